package tcp

import (
	"bytes"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// newDuel returns a duel whose bits of policy say how the ends and the wire are.
func newDuel(t testing.TB, script []byte, mask uint64, iss uint32, policy uint32) *duel {
	bit := func(i int) bool { return policy>>i&1 != 0 }
	d := &duel{script: script, mask: mask, always: bit(15), most: 32 << 10}
	newPair(t, func(p *pair) {
		d.pair = p
		p.now = mono.Time(time.Hour)
		p.fate = d.on
		p.seen = d.watch
		for i := range p.cfg {
			c, o := &p.cfg[i], &p.open[i]
			if bit(13) {
				*c = FreeBSD()
			}
			c.SACK, c.Timestamps, c.WindowScale = !bit(0), !bit(1), !bit(2)
			c.Nagle, c.Pacing = bit(3), bit(4)
			c.ECN, c.AcceptECN = duelECN[policy>>16&3], duelECN[policy>>18&3]
			c.NewControl = duelControls[policy>>9&3]
			if bit(5) {
				c.ReceiveBuffer = Buffer{3000, 20_000}
			}
			if bit(6) {
				c.QuickAcks = 0
			}
			if bit(7) {
				o.Batch = 65535
			}
			if bit(11) {
				c.PathMTU.Wait, c.PathMTU.Raise = time.Second, time.Second
				o.SendMSS, o.RecvMSS = 9000, 9000
			}
			if bit(12) {
				o.SendMSS, o.RecvMSS = 65483, 65483
			}
			o.ISS, o.TSOffset = wire.Seq(iss), iss
		}
	})
	if bit(11) || bit(12) {
		d.most = 512 << 10
	}
	if bit(14) {
		d.mtu = 1300 // who sends more is not told
	}
	if mask&bothOpen == bothOpen {
		d.end[server] = Connect(d.now, &d.cfg[server], d.open[server])
		d.drain(server)
	}
	return d
}

// bothOpen are the bits of a mask that stand for a simultaneous open.
const bothOpen = 5 << 60

// duelControls are the congestion controls that a policy chooses among.
var duelControls = [4]func(cc.Params) cc.Control{
	nil,
	func(p cc.Params) cc.Control { return cc.NewReno(p) },
	func(p cc.Params) cc.Control { return cc.NewBBR(p) },
	func(p cc.Params) cc.Control { return cc.NewPrague(p) },
}

// duelECN are the kinds of notification that a policy chooses among.
var duelECN = [4]ECN{NoECN, ClassicECN, AccurateECN, AccurateECN}

// play runs the script, heals the wire and looks how it ends.
func (d *duel) play() {
	for n := 0; len(d.script) > 0 && n < mostActs && d.steps < mostSteps; n++ {
		d.act()
	}
	d.heal()
	d.conclude()
}

// heal lets everything that was sent arrive. Both users send a last word, read all
// there is, and end.
func (d *duel) heal() {
	d.healed, d.steps, d.most = true, 0, d.most+1000
	for i, e := range d.end {
		if e != nil {
			e.SetReceiveBuffer(d.now, 1<<16) // a window of one octet would heal by the octet
			e.SetSendBuffer(d.now, 1<<17)
			d.write(i, 1000, false)
			e.Shutdown(d.now)
		}
	}
	d.settle()
	for !d.finished() && d.steps < mostHealSteps {
		for i, e := range d.end {
			if e == nil {
				continue
			}
			e.Shutdown(d.now)
			d.receive(i, 1<<20)
			d.drain(i)
		}
		if !d.advance() {
			break
		}
	}
}

func (d *duel) finished() bool {
	for _, e := range d.end {
		if e == nil || e.State() != Closed && e.State() != TimeWaiting || e.Ready()&Readable != 0 {
			return false
		}
	}
	return true
}

// conclude checks that both streams are whole and both ends closed, unless somebody
// ended it before, or so much was lost that an end had to give up.
func (d *duel) conclude() {
	if d.cut {
		return
	}
	for _, e := range d.end {
		if e != nil && e.Err() == ReasonTimedOut && d.lost > 0 {
			return
		}
	}
	for i, e := range d.end {
		if e == nil || e.Err() != nil || !d.finished() {
			d.t.Fatalf("after %d steps end %d has not ended well: %v, %+v\nand %+v", d.steps, i, e.Err(), e.Info(), d.end[1-i].Info())
		}
		if u := &d.user[i]; !d.injected && !u.deaf && u.got != d.user[1-i].sent {
			d.t.Fatalf("end %d received %d of %d octets: %+v\nand %+v", i, u.got, d.user[1-i].sent, e.Info(), d.end[1-i].Info())
		}
	}
}

// FuzzPair lets two machines talk while the script loses, repeats and swaps
// segments, calls what users call, and attacks. After every step everything that
// must hold is checked, and that what was received was sent; when the wire heals
// both streams must become whole and both ends close. For ten minutes of it:
//
//	go test ./tcp -run '^$' -fuzz '^FuzzPair$' -fuzztime 10m
func FuzzPair(f *testing.F) {
	f.Add([]byte{5, 200, 0, 0, 0, 133, 100, 0, 0, 8, 255, 255, 15, 0}, uint64(0), uint32(1), uint32(0))
	f.Add([]byte("send and lose and send again"), uint64(0xaaaaaaaaaaaaaaaa), uint32(0xffffff00), uint32(1))
	f.Add(bytes.Repeat([]byte{5, 255, 0, 0, 0, 0, 8, 100, 100, 13, 9, 9}, 40), uint64(1<<5|1<<9), uint32(1<<31-100), uint32(0x106))
	f.Add(bytes.Repeat([]byte{133, 255, 18, 8, 0, 0, 136, 200, 200, 11, 3, 13, 50, 50}, 60), uint64(0x0f0f), uint32(0), uint32(0x11428))
	f.Fuzz(func(t *testing.T, script []byte, mask uint64, iss, policy uint32) {
		if len(script) > 2000 {
			t.Skip("long scripts only repeat short ones")
		}
		newDuel(t, script, mask, iss, policy).play()
	})
}
