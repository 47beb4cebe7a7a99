//go:build linux || darwin

package link

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/chunk"
)

const (
	// filePacket is the longest packet that a file gives: an IP packet or frame.
	filePacket = chunk.MaxSize

	// A packet that fills at least this much of its chunk stays in it. A shorter one
	// is copied to a chunk of its size, so that what waits for a reader costs the
	// memory that it needs.
	fileKeep = chunk.MaxSize / 2

	// fileWait is how long Write waits for room in the kernel.
	fileWait = 20 * time.Millisecond

	// filePause is how often a Read looks whether an interface that is down still exists.
	filePause = 250 * time.Millisecond
)

// filePort is a Port on a file descriptor that reads and writes one packet a call:
// a queue of a TUN device, or a packet socket.
type filePort struct {
	file    *os.File
	raw     syscall.RawConn
	framing framing
	ether   bool // packets are frames
	mtu     func() (int, error)
	control int // socket for requests about the interface

	readPrefix, writePrefix []byte
	room                    []byte       // where the next packet is read to
	chunk                   *chunk.Chunk // which room is memory of
	more                    []Packet     // read but not handed over: pieces of a UDP packet
	dropped                 atomic.Uint64

	// What read and write work on, and found out. They are kept so that no call
	// allocates.
	in, out       []Packet
	inN, outN     int
	inErr, outErr error
	wait          bool // write may wait for room
	paused        bool // the interface went down: Read has a deadline
	readFunc      func(fd uintptr) bool
	writeFunc     func(fd uintptr) bool
	inParts       [2][]byte
	outParts      [3][]byte
}

// newFilePort takes over the descriptor, which must be one that does not block.
// There are prefix octets before each packet, or frame.
func newFilePort(fd int, name string, ether bool, prefix int, f framing) (*filePort, error) {
	p := &filePort{
		file: os.NewFile(uintptr(fd), name), framing: f, ether: ether,
		readPrefix: make([]byte, prefix), writePrefix: make([]byte, prefix),
	}
	p.readFunc, p.writeFunc = p.read, p.write
	var err error
	if p.control, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err != nil {
		p.file.Close()
		return nil, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(p.control)
	p.mtu = func() (int, error) { return interfaceMTU(p.control, name) }
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// MTU asks the kernel.
func (p *filePort) MTU() (int, error) { return p.mtu() }

// Dropped returns how many packets came that could not be used.
func (p *filePort) Dropped() uint64 { return p.dropped.Load() }

// Close closes the descriptors, which ends a Read that waits.
func (p *filePort) Close() error {
	err := p.file.Close()
	unix.Close(p.control)
	return err
}

// Read waits for packets.
func (p *filePort) Read(batch []Packet) (int, error) {
	if len(p.more) > 0 {
		n := copy(batch, p.more)
		p.more = append(p.more[:0], p.more[n:]...)
		return n, nil
	}
	p.in, p.inN, p.inErr = batch, 0, nil
	err := p.raw.Read(p.readFunc)
	switch {
	case p.inErr == unix.ENETDOWN, errors.Is(err, os.ErrDeadlineExceeded):
		return p.inN, p.pause()
	case err == nil && p.paused && p.inN > 0:
		p.paused = false
		err = p.file.SetReadDeadline(time.Time{})
	}
	if err == nil && p.inErr != nil {
		err = os.NewSyscallError("read", p.inErr)
	}
	return p.inN, err
}

// pause makes the next Read wait for a while only, after the interface went down:
// a packet socket is told of that once, and not whether the interface was removed.
func (p *filePort) pause() error {
	if _, err := p.mtu(); err != nil {
		return err
	}
	p.paused = true
	return p.file.SetReadDeadline(time.Now().Add(filePause))
}

// read reads what is there. It reports false when there is nothing yet.
func (p *filePort) read(fd uintptr) bool {
	for p.inN < len(p.in) {
		if p.chunk == nil {
			p.chunk = chunk.New(filePacket)
			p.room = p.chunk.Grow(filePacket)
		}
		p.inParts = [2][]byte{p.readPrefix, p.room}
		n, err := unix.Readv(int(fd), p.inParts[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return p.inN > 0
		case err != nil:
			p.inErr = err
			return true
		case n <= len(p.readPrefix):
			p.dropped.Add(1)
		default:
			p.take(n - len(p.readPrefix))
		}
	}
	return true
}

// take makes a Packet of n octets that were read.
func (p *filePort) take(n int) {
	q := &p.in[p.inN]
	if n >= fileKeep {
		q.Data = p.chunk.View(0, n)
		p.chunk.Release()
		p.chunk, p.room = nil, nil
	} else {
		q.Data = chunk.Copy(p.room[:n])
	}
	switch p.framing.accept(p.readPrefix, q) {
	case dropIt:
		p.dropped.Add(1)
		q.Data.Release()
		*q = Packet{}
	case cutIt:
		p.takePieces(q)
	case passIt:
		p.inN++
	}
}

// takePieces makes packets of the datagrams that came as one. Those for which the
// batch has no room wait for the next Read.
func (p *filePort) takePieces(q *Packet) {
	whole := *q
	*q = Packet{}
	ok := cut(&whole, p.ether, func(piece *Packet) {
		if p.inN < len(p.in) {
			p.in[p.inN] = *piece
			p.inN++
		} else {
			p.more = append(p.more, *piece)
		}
	})
	if !ok {
		p.dropped.Add(1)
	}
}

// Write sends packets.
func (p *filePort) Write(batch []Packet) (int, error) {
	p.out, p.outN, p.outErr, p.wait = batch, 0, nil, false
	err := p.raw.Write(p.writeFunc)
	if err != nil || p.outErr != unix.EAGAIN {
		return p.outN, p.result(err)
	}
	if err := p.file.SetWriteDeadline(time.Now().Add(fileWait)); err != nil {
		return p.outN, err
	}
	p.outErr, p.wait = nil, true
	err = p.raw.Write(p.writeFunc)
	if reset := p.file.SetWriteDeadline(time.Time{}); err == nil {
		err = reset
	}
	return p.outN, p.result(err)
}

func (p *filePort) result(err error) error {
	switch {
	case err != nil:
		return err
	case p.outErr == unix.EMSGSIZE:
		return ErrTooLong
	case p.outErr != nil:
		return os.NewSyscallError("write", p.outErr)
	}
	return nil
}

// write writes the rest of the batch up to the first error. It reports false to be
// called again when there is room.
func (p *filePort) write(fd uintptr) bool {
	for p.outN < len(p.out) {
		err := p.writeOne(int(fd), &p.out[p.outN])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN && p.wait:
			return false
		case err != nil:
			p.outErr = err
			return true
		}
		p.outN++
	}
	return true
}

var errSegments = errors.New("a packet of several segments that is none")

// writeOne writes one packet: prefix, headers and data from where they are.
func (p *filePort) writeOne(fd int, q *Packet) error {
	if !p.framing.describe(p.writePrefix, q) {
		return errSegments
	}
	parts := p.outParts[:0]
	for _, part := range [...][]byte{p.writePrefix, q.Head(), q.Data.B} {
		if len(part) > 0 {
			parts = append(parts, part)
		}
	}
	n, err := unix.Writev(fd, parts)
	if err == nil && n != len(p.writePrefix)+q.Len() {
		return io.ErrShortWrite
	}
	return err
}
