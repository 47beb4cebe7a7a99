package perf

import (
	"encoding/binary"
	"time"
)

// Datagrams is what a receiver of numbered datagrams counts.
type datagrams struct {
	Received int64         `json:"received"`
	Lost     int64         `json:"lost"`   // fewer distinct numbers than were sent
	Late     int64         `json:"late"`   // that came after one with a higher number
	Twice    int64         `json:"twice"`  // more than were sent
	Jitter   time.Duration `json:"jitter"` // RFC 3550 §6.4.1
	highest  uint64        // number, from 1
	transit  time.Duration // of the one before, on two clocks
}

// put writes the number and the time of a datagram to its front.
func putDatagram(b []byte, number uint64, at time.Duration) {
	binary.BigEndian.PutUint64(b, number)
	binary.BigEndian.PutUint64(b[8:], uint64(at))
}

// receive counts a datagram that came at a time of the receiver's clock. It reports
// false for one that is not of this measurement.
func (d *datagrams) receive(b []byte, at time.Duration) bool {
	if len(b) < MinDatagram {
		return false
	}
	number, sent := binary.BigEndian.Uint64(b), time.Duration(binary.BigEndian.Uint64(b[8:]))
	if number == 0 {
		return false // from who opens the way
	}
	transit := at - sent // the clocks differ by a constant, which the difference takes out
	if d.Received > 0 {
		d.Jitter += ((transit - d.transit).Abs() - d.Jitter) / 16
	}
	d.transit = transit
	d.Received++
	if number < d.highest {
		d.Late++
	}
	d.highest = max(d.highest, number)
	return true
}

// end compares what came with what was sent.
func (d *datagrams) end(sent int64) {
	d.Lost = max(sent-d.Received, 0)
	d.Twice = max(d.Received-sent, 0)
}
