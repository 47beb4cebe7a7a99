package reach

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

// Between two processes goes a Unix stream of frames for each socket or question:
// an octet that says what it is, four of length, and the content.
const (
	frameJSON  = 'j' // a request, a reply or news
	frameData  = 'd' // octets of a stream, or one datagram
	frameEnd   = 'e' // nothing more comes in this direction
	frameError = 'x' // why something failed, and that all is over
)

const (
	frameHeader = 5
	frameMax    = 256 << 10 // no frame is longer
)

var errFrame = errors.New("the other octet speaks another language: are both of one version?")

// errGone is what is told of a network whose process has ended.
var errGone = &outcome.Error{Code: outcome.Refused, What: "the octet up that holds the network has ended", Err: syscall.ECONNRESET}

// A pipe is one end of such a stream.
type pipe struct {
	conn net.Conn
	in   *bufio.Reader

	reading sync.Mutex // held by who reads for a program
	rest    int        // octets of a data frame that are still to be read

	mu  sync.Mutex // held to write
	out []byte     // a frame, or what is left of one that a deadline cut
}

func newPipe(c net.Conn) *pipe {
	return &pipe{conn: c, in: bufio.NewReaderSize(c, frameHeader+frameMax)}
}

// write writes one frame.
func (p *pipe) write(kind byte, parts ...[]byte) error {
	_, err := p.begin(kind, parts...)
	return err
}

// begin writes one frame and reports whether it has begun to leave: then the rest
// follows before the next one, whatever the error is.
func (p *pipe) begin(kind byte, parts ...[]byte) (begun bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.drain(); err != nil {
		return false, err
	}
	p.out = append(p.out[:0], kind, 0, 0, 0, 0)
	for _, part := range parts {
		p.out = append(p.out, part...)
	}
	size := len(p.out) - frameHeader
	if size > frameMax {
		p.out = p.out[:0]
		return false, fmt.Errorf("bug: frame of %d octets", size)
	}
	binary.BigEndian.PutUint32(p.out[1:], uint32(size))
	n, err := p.drain()
	if n == 0 {
		p.out = p.out[:0]
	}
	return n > 0, err
}

// drain writes what is left of a frame.
func (p *pipe) drain() (int, error) {
	if len(p.out) == 0 {
		return 0, nil
	}
	n, err := p.conn.Write(p.out)
	p.out = append(p.out[:0], p.out[n:]...)
	return n, err
}

func (p *pipe) writeJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return p.write(frameJSON, b)
}

// fail tells the other side of an error.
func (p *pipe) fail(err error) error {
	b, err := json.Marshal(faultOf(err))
	if err != nil {
		return err
	}
	return p.write(frameError, b)
}

// next returns the next frame without taking it: what a deadline interrupts is not lost.
func (p *pipe) next() (kind byte, size int, err error) {
	head, err := p.in.Peek(frameHeader)
	if err == io.EOF { // without a word
		err = errGone
	}
	if err != nil {
		return 0, 0, err
	}
	if size = int(binary.BigEndian.Uint32(head[1:])); size > frameMax {
		return 0, 0, errFrame
	}
	return head[0], size, nil
}

// whole takes the next frame. The content is good until the next call.
func (p *pipe) whole() (kind byte, content []byte, err error) {
	kind, size, err := p.next()
	if err != nil {
		return 0, nil, err
	}
	b, err := p.in.Peek(frameHeader + size)
	if err != nil {
		return 0, nil, err
	}
	p.in.Discard(len(b)) // which cannot fail: it is in the buffer
	return kind, b[frameHeader:], nil
}

// content takes the next frame, which must be of the kind. The end of the stream is
// io.EOF and an error is what the other side told.
func (p *pipe) content(want byte) ([]byte, error) {
	kind, b, err := p.whole()
	switch {
	case err != nil:
		return nil, err
	case kind == want:
		return b, nil
	case kind == frameEnd:
		return nil, io.EOF
	case kind == frameError:
		return nil, readFault(b)
	}
	return nil, errFrame
}

// readJSON takes a frame of JSON.
func (p *pipe) readJSON(v any) error {
	b, err := p.content(frameJSON)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// read reads a stream: octets of data frames, as they come.
func (p *pipe) read(b []byte) (int, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	for p.rest == 0 {
		kind, size, err := p.next()
		if err != nil {
			return 0, err
		}
		if kind != frameData {
			_, err := p.content(frameData)
			return 0, err
		}
		p.in.Discard(frameHeader) // it is in the buffer
		p.rest = size
	}
	n, err := p.in.Read(b[:min(len(b), p.rest)])
	p.rest -= n
	return n, err
}

// streamChunk is the most octets of a stream in one frame.
const streamChunk = 64 << 10

// writeStream writes octets of a stream.
func (p *pipe) writeStream(b []byte) (n int, err error) {
	for n < len(b) {
		part := b[n:min(n+streamChunk, len(b))]
		begun, err := p.begin(frameData, part)
		if begun {
			n += len(part)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
