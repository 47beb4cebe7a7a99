package octet

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

func TestTimeWaitRecordIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(timeWait{}); n > 128 {
		t.Errorf("a record takes %d octets, more than 128", n)
	}
}

// record returns the record of a connection that has just entered TIME-WAIT.
func record(t testing.TB, now mono.Time) tcp.TimeWait {
	t.Helper()
	p := tcp.Linux()
	open := tcp.Opening{RecvMSS: 1460, SendMSS: 1460, DefaultMSS: 536}
	a := tcp.Connect(now, &p, open)
	var seg wire.Segment
	a.Output(now, &seg)
	b := tcp.Accept(now, &p, open, &seg)
	talk := func() {
		for again := true; again; {
			again = false
			for a.Output(now, &seg) {
				b.Arrive(now, &seg)
				again = true
			}
			for b.Output(now, &seg) {
				a.Arrive(now, &seg)
				again = true
			}
		}
	}
	talk()
	a.Shutdown(now)
	talk()
	b.Shutdown(now)
	talk()
	if a.State() != tcp.TimeWaiting {
		t.Fatalf("the connection is in %v", a.State())
	}
	return a.TimeWait()
}

func tupleNumber(i int) (k tuple) {
	binary.BigEndian.PutUint64(k.remote[8:], uint64(i))
	return k
}

func TestTimeWaitsEndInOrderWithOneTimer(t *testing.T) {
	line := timeline.NewManual()
	var w timeWaits
	w.init(line, 0, 1000)
	second := mono.Time(time.Second)
	for i := range 10 {
		k := tupleNumber(i)
		w.add(&k, record(t, line.Now()))
		line.Advance(line.Now() + second)
	}
	if line.Len() != 1 {
		t.Errorf("%d timers for the records", line.Len())
	}
	line.Advance(mono.Time(time.Minute) + 4*second + second/2)
	if n, _ := w.len(); n != 5 {
		t.Errorf("%d records after 64.5 s, want 5", n)
	}
	for i := range 10 {
		k := tupleNumber(i)
		if _, there := w.get(line.Now(), &k); there != (i >= 5) {
			t.Errorf("record %d is there: %v", i, there)
		}
	}
	line.Advance(line.Now() + 10*second)
	if n, _ := w.len(); n != 0 || line.Len() != 0 {
		t.Errorf("%d records and %d timers remain", n, line.Len())
	}
}

// A repeated FIN is acknowledged and begins the time of its record anew, and of no
// other (RFC 9293 §3.10.7.4).
func TestTimeWaitBeginsAnew(t *testing.T) {
	line, h, f, _ := besieged(t)
	l := listening(t, h, "192.0.2.1:80", 5)
	fin := map[uint16]wire.Segment{}
	for port := range uint16(3) {
		s := handshake(t, line, f, l, 1000+port)
		s.Close()
		ours := f.answers(t)[0]
		fin[port] = wire.Segment{SrcPort: 1000 + port, DstPort: 80, Seq: 1000, Ack: ours.Seq + 1, Flags: wire.FIN | wire.ACK, Window: 1000}
		f.say(line.Now(), peer, victim, fin[port])
	}
	f.answers(t)
	if n := h.Stats().TimeWaits; n != 3 {
		t.Fatalf("%d records, want 3", n)
	}
	line.Advance(mono.Time(50 * time.Second))
	f.say(line.Now(), peer, victim, fin[0])
	if list := f.answers(t); len(list) != 1 || list[0].Flags != wire.ACK || list[0].Ack != 1001 {
		t.Errorf("the repeated FIN is answered by %+v", list)
	}
	line.Advance(mono.Time(61 * time.Second))
	if n := h.Stats().TimeWaits; n != 1 {
		t.Errorf("%d records after 61 s, want that which began anew", n)
	}
	line.Advance(mono.Time(111 * time.Second))
	if n := h.Stats().TimeWaits; n != 0 {
		t.Errorf("%d records remain", n)
	}
}

// A SYN that is clearly newer ends TIME-WAIT (RFC 6191, RFC 9293 MAY-2); the new
// connection begins beyond the old one's numbers.
func TestRFC9293_MAY2_SYNEndsTimeWait(t *testing.T) {
	line, h, f, _ := besieged(t)
	l := listening(t, h, "192.0.2.1:80", 5)
	s := handshake(t, line, f, l, 1000)
	s.Close()
	ours := f.answers(t)[0]
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 1000, DstPort: 80, Seq: 1000, Ack: ours.Seq + 1, Flags: wire.FIN | wire.ACK, Window: 1000})
	f.answers(t)
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 1000, DstPort: 80, Seq: 500, Flags: wire.SYN, Window: 1000})
	if list := f.answers(t); len(list) != 1 || list[0].Flags&wire.SYN != 0 {
		t.Errorf("an older SYN is answered by %+v", list)
	}
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 1000, DstPort: 80, Seq: 5000, Flags: wire.SYN, Window: 1000})
	list := f.answers(t)
	if len(list) != 1 || list[0].Flags != wire.SYN|wire.ACK || !ours.Seq.Less(list[0].Seq) {
		t.Errorf("a newer SYN is answered by %+v", list)
	}
	if n := h.Stats().TimeWaits; n != 0 {
		t.Errorf("%d records remain", n)
	}
}

func TestTimeWaitsAreCapped(t *testing.T) {
	line := timeline.NewManual()
	var w timeWaits
	w.init(line, 0, 100)
	rec := record(t, 0)
	for i := range 1000 {
		k := tupleNumber(i)
		w.add(&k, rec)
		w.add(&k, rec) // in place of the one before
	}
	n, pushed := w.len()
	if n > 100 || w.queued > 100 || pushed == 0 {
		t.Errorf("%d records, %d queued, %d left early", n, w.queued, pushed)
	}
	k := tupleNumber(999)
	if _, there := w.get(0, &k); !there {
		t.Error("the newest is not there")
	}
}
