// Package up keeps a stack of ours on a device until it is interrupted: it says what
// the stack is and how to reach it, runs the services that were asked for, and
// reports what happens to the device.
package up

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/device"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// A Run is one stack on a device.
type Run struct {
	device.Options
	Serve    bool // pages, echo and what else a visitor tries first
	Forwards []quantity.Forward
	Capture  io.Writer // of every packet, in pcapng; nil for none
	Live     bool      // somebody reads the capture along
	Report   *report.Reporter

	stack   *device.Stack
	capture *link.Capture
	changes chan octet.Change
	begun   time.Time
	traffic traffic
}

// Run raises the stack and keeps it until the context ends or the device does.
func (u *Run) Run(ctx context.Context) (err error) {
	u.begun = time.Now()
	u.changes = make(chan octet.Change, maxChanges)
	u.Watch = u.changed
	u.Wait = func() { u.Report.Notef("finding out whether somebody else on %s has the address…", u.Device) }
	if u.Capture != nil {
		u.Observer = u.capturer
	}
	if u.stack, err = device.Raise(ctx, u.Options); err != nil {
		return err
	}
	run, end := context.WithCancelCause(ctx)
	services, err := u.begin(run, end)
	if err == nil {
		u.open(run, services)
		u.forget()
		u.announce()
		err = u.watch(run)
	}
	end(nil)
	u.traffic.device = u.stack.Stats()
	err = errors.Join(err, u.stack.Close())
	services.Wait() // whose sockets are closed now
	if u.capture != nil {
		err = errors.Join(err, captureFailure(u.capture.Close()))
	}
	return err
}

// open lets other verbs use the stack, as --on with its device says.
func (u *Run) open(run context.Context, services *sync.WaitGroup) {
	l, err := reach.Listen(u.Device)
	if err != nil {
		u.Report.Notef("other commands cannot reach this stack: %v", err)
		return
	}
	services.Go(func() { reach.Serve(run, l, reach.OnStack(u.stack)) })
}

func (u *Run) capturer(line *timeline.Timeline) link.Observer {
	u.capture = link.NewCapture(u.Capture, line, link.CaptureOptions{Live: u.Live})
	return u.capture
}

// maxChanges is how many changes wait to be told. More at a time than a person
// can read are left out.
const maxChanges = 64

// changed is told of changes by whoever brings a packet, and must not wait.
func (u *Run) changed(c octet.Change) {
	select {
	case u.changes <- c:
	default:
	}
}

// forget drops the changes that made the stack what it is said to be.
func (u *Run) forget() {
	for {
		select {
		case <-u.changes:
		default:
			return
		}
	}
}

// captureEvery is how often it is looked whether the capture can still be written.
const captureEvery = time.Second

// watch waits for the end, and tells of changes of the device until then.
func (u *Run) watch(run context.Context) error {
	look := time.NewTicker(captureEvery)
	defer look.Stop()
	for {
		select {
		case <-run.Done():
			return context.Cause(run)
		case <-u.stack.Done():
			return outcome.Failf(outcome.Usage, "somebody removed the interface or took it away from us: start again", "%s has ended: %w", u.Device, u.stack.Err())
		case c := <-u.changes:
			u.tell(c)
		case <-look.C:
			if u.capture != nil {
				if err := captureFailure(u.capture.Flush()); err != nil {
					return err
				}
			}
		}
	}
}

func captureFailure(err error) error {
	if err == nil {
		return nil
	}
	return outcome.Failf(outcome.Of(err), "", "cannot write the capture: %s", outcome.Cause(err))
}
