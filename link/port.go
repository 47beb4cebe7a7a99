package link

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// A Port carries packets in and out of the process: a queue of a kernel's device,
// or a transport of your own. NewPortDevice makes a Device of one or more.
//
// Read and Write are each called by one goroutine at a time.
type Port interface {
	// Read waits for packets and puts at least one into batch, whose elements are
	// empty, with Data that it hands over. It returns how many. After an error it
	// is not called again.
	Read(batch []Packet) (n int, err error)
	// Write sends packets, which it may change but does not keep, and returns how
	// many it took. The one after those is dropped if there is an error, and all
	// that follow too if the error is os.ErrDeadlineExceeded. Write does not wait
	// long: its caller is somebody's Flush.
	Write(batch []Packet) (n int, err error)
	// Close makes Read return, and ends the port.
	Close() error
}

// A Port may also know more about its device. The methods are called now and
// then, by the goroutines that read and write.
type (
	// An MTUPort tells an MTU that may change; 0 means that it cannot be told now. An
	// error ends the device.
	MTUPort interface{ MTU() (int, error) }
	// A DroppingPort counts what it received but could not use.
	DroppingPort interface{ Dropped() uint64 }
)

// checkEvery is how often a busy device looks whether its MTU has changed.
const checkEvery = time.Second

// PortOptions says what a PortDevice is.
type PortOptions struct {
	Info Info
	// Changed is called, with no lock held, when the MTU has changed, and when the
	// device has ended by itself, then with the reason. It may be nil.
	Changed func(info Info, ended error)
}

// A PortDevice is a Device with real input and output. Each port has a goroutine
// that reads, from Attach to Close; what is sent is written by who calls Flush.
type PortDevice struct {
	line    *timeline.Timeline
	ports   []Port
	outs    []drain // one for each port
	changed []func(Info, error)
	info    atomic.Pointer[Info]
	checked atomic.Int64 // when the MTU was looked at, as mono.Time

	received, receivedOctets, unsent, failures atomic.Uint64

	mu      sync.Mutex
	quiet   *sync.Cond // a reader has ended or has come into Receive
	to      Receiver
	readers int // goroutines that run
	inside  int // of which are not in Port.Read, but in Receive or telling of a change
	closed  bool
	err     error
	done    chan struct{}
}

// NewPortDevice returns a device that stands on ports. With several, the packets
// of one flow leave through one of them.
func NewPortDevice(line *timeline.Timeline, o PortOptions, ports ...Port) (*PortDevice, error) {
	if len(ports) == 0 {
		return nil, errors.New("link: a device needs a port")
	}
	if o.Info.MTU < 68 || o.Info.MTU > MTUMax { // RFC 791 §3.2: 68 octets must pass anywhere
		return nil, fmt.Errorf("link: %s: MTU of %d is not between 68 and %d", o.Info.Name, o.Info.MTU, MTUMax)
	}
	d := &PortDevice{
		line: line, ports: ports, outs: make([]drain, len(ports)), done: make(chan struct{}),
	}
	o.Info.Outside = true
	if o.Changed != nil {
		d.OnChange(o.Changed)
	}
	d.quiet = sync.NewCond(&d.mu)
	d.info.Store(&o.Info)
	for i, p := range ports {
		d.outs[i].init(line, 0, 1)
		d.outs[i].attach(0, &portWriter{d, p})
	}
	return d, nil
}

// OnChange names one more who is told what PortOptions.Changed is told. It is
// called before Attach.
func (d *PortDevice) OnChange(f func(info Info, ended error)) { d.changed = append(d.changed, f) }

// Attach names who receives and starts to read.
func (d *PortDevice) Attach(r Receiver) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.to != nil {
		return
	}
	d.to = r
	for _, p := range d.ports {
		d.readers++
		go d.read(p)
	}
}

// Send queues a packet.
func (d *PortDevice) Send(p *Packet) {
	if !p.Complete(d.info.Load(), d.send) {
		d.outs[0].refuse(0)
	}
}

func (d *PortDevice) send(p *Packet) {
	d.outs[d.queueOf(p)].send(0, p, MTUMax)
}

// queueOf returns which port a packet leaves through.
func (d *PortDevice) queueOf(p *Packet) int {
	if len(d.ports) == 1 {
		return 0
	}
	return int(flowOf(sipKey{}, p, d.info.Load().Ethernet) % uint64(len(d.ports)))
}

// Flush writes what is queued, unless somebody is doing so already.
func (d *PortDevice) Flush() {
	for i := range d.outs {
		d.outs[i].flush()
	}
}

// Info says what the device is, with the MTU of now.
func (d *PortDevice) Info() Info { return *d.info.Load() }

// Stats returns the counts.
func (d *PortDevice) Stats() Stats {
	s := Stats{
		Received: d.received.Load(), ReceivedOctets: d.receivedOctets.Load(), Errors: d.failures.Load(),
	}
	for i := range d.outs {
		o := d.outs[i].stats(0, 0)
		s.Sent += o.Sent
		s.SentOctets += o.SentOctets
		s.SendDropped += o.SendDropped
	}
	lost := d.unsent.Load() // taken by Send, refused by the port
	s.SendDropped += lost
	s.Sent -= min(lost, s.Sent)
	for _, p := range d.ports {
		if c, ok := p.(DroppingPort); ok {
			s.ReceiveDropped += c.Dropped()
		}
	}
	return s
}

// Done is closed when the device has ended by itself: the interface was removed,
// or reading failed. Err says why.
func (d *PortDevice) Done() <-chan struct{} { return d.done }

// Err returns why the device ended by itself, or nil.
func (d *PortDevice) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Close ends the device and waits for its goroutines, except for those that are in
// Receive or telling of a change: their call may be what closes the device, and is
// their last.
func (d *PortDevice) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	var errs []error
	for i, p := range d.ports {
		d.outs[i].close(0, 0)
		errs = append(errs, p.Close())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.readers > d.inside {
		d.quiet.Wait()
	}
	return errors.Join(errs...)
}

// read hands over what comes in through a port until it ends.
func (d *PortDevice) read(p Port) {
	batch := make([]Packet, batchMax)
	for {
		n, err := p.Read(batch)
		open := d.enter()
		if open {
			d.receive(batch[:n])
		}
		for i := range batch[:n] {
			batch[i].Data.Release()
			batch[i] = Packet{}
		}
		switch {
		case open && err != nil:
			d.end(err)
		case open:
			d.check(p)
		}
		if d.leave(open, err != nil) {
			return
		}
	}
}

// enter notes that a reader has come out of Port.Read. It reports whether the
// device is open.
func (d *PortDevice) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.inside++
	d.quiet.Broadcast()
	return true
}

// leave undoes enter, if that let the reader in, and reports whether the reader ends.
func (d *PortDevice) leave(inside, failed bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if inside {
		d.inside--
	}
	if !d.closed && !failed {
		return false
	}
	d.readers--
	d.quiet.Broadcast()
	return true
}

// receive hands packets over.
func (d *PortDevice) receive(batch []Packet) {
	if len(batch) == 0 {
		return
	}
	octets := 0
	for i := range batch {
		octets += batch[i].Len()
	}
	d.received.Add(uint64(len(batch)))
	d.receivedOctets.Add(uint64(octets))
	d.to.Receive(d.line.Now(), batch)
}

// end notes that the device has ended by itself. Only the first reason counts.
func (d *PortDevice) end(why error) {
	d.mu.Lock()
	info := d.Info()
	first := d.err == nil && !d.closed
	if first {
		d.err = fmt.Errorf("link: %s: %w", info.Name, why)
		why = d.err
		close(d.done)
	}
	d.mu.Unlock()
	if first {
		d.tell(info, why)
	}
}

// check looks now and then whether the MTU has changed.
func (d *PortDevice) check(p Port) {
	m, ok := p.(MTUPort)
	now, last := d.line.Now(), d.checked.Load()
	if !ok || now.Sub(mono.Time(last)) < checkEvery || !d.checked.CompareAndSwap(last, int64(now)) {
		return
	}
	d.recheck(m)
}

func (d *PortDevice) recheck(m MTUPort) {
	mtu, err := m.MTU()
	if err != nil {
		d.end(err)
		return
	}
	old := d.info.Load()
	if mtu == old.MTU || mtu < 68 || mtu > MTUMax {
		return
	}
	info := *old
	info.MTU = mtu
	if d.info.CompareAndSwap(old, &info) {
		d.tell(info, nil)
	}
}

func (d *PortDevice) tell(info Info, ended error) {
	for _, f := range d.changed {
		f(info, ended)
	}
}

// portWriter is a port as the Receiver of what is sent.
type portWriter struct {
	d    *PortDevice
	port Port
}

func (w *portWriter) Receive(_ mono.Time, batch []Packet) {
	for len(batch) > 0 {
		n, err := w.port.Write(batch)
		batch = batch[n:]
		if n > 0 && err == nil {
			continue
		}
		w.d.failures.Add(1)
		lost := min(1, len(batch))
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
			lost = len(batch)
		}
		w.d.unsent.Add(uint64(lost))
		batch = batch[lost:]
		if m, ok := w.port.(MTUPort); ok && errors.Is(err, ErrTooLong) {
			w.d.recheck(m)
		}
	}
	w.d.check(w.port)
}

// ErrTooLong is what the Write of a Port returns for a packet that is longer than the MTU.
var ErrTooLong = errors.New("packet longer than the MTU")
