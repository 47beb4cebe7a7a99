// Package up keeps a stack of ours on a device until it is interrupted: it says what
// the stack is and how to reach it, runs the services that were asked for, and
// reports what happens to the device.
package up

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/device"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
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
	mtus    chan link.Info
	begun   time.Time
	traffic traffic
}

// Run raises the stack and keeps it until the context ends or the device does.
func (u *Run) Run(ctx context.Context) (err error) {
	u.begun = time.Now()
	u.mtus = make(chan link.Info, 1)
	u.Changed = u.changed
	if u.Capture != nil {
		u.Observer = u.capturer
	}
	if u.stack, err = device.Raise(u.Options); err != nil {
		return err
	}
	run, end := context.WithCancelCause(ctx)
	services, err := u.begin(run, end)
	if err == nil {
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

func (u *Run) capturer(line *timeline.Timeline) link.Observer {
	u.capture = link.NewCapture(u.Capture, line, link.CaptureOptions{Live: u.Live})
	return u.capture
}

// changed is told of the device by whoever reads or writes it.
func (u *Run) changed(info link.Info, ended error) {
	if ended != nil {
		return // watch is told by Done
	}
	select {
	case <-u.mtus: // only the last one counts
	default:
	}
	select {
	case u.mtus <- info:
	default:
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
		case info := <-u.mtus:
			if err := u.resized(info); err != nil {
				return err
			}
		case <-look.C:
			if u.capture != nil {
				if err := captureFailure(u.capture.Flush()); err != nil {
					return err
				}
			}
		}
	}
}

// resized follows the device to another MTU.
func (u *Run) resized(info link.Info) error {
	if err := u.stack.Host.SetMTU(u.stack.Index, info.MTU); err != nil {
		return outcome.Failf(outcome.Usage, "", "cannot follow %s to an MTU of %d: %w", u.Device, info.MTU, err)
	}
	u.Report.Printf("%s has an MTU of %s now\n", info.Name, quantity.Group(info.MTU))
	u.Report.Event("mtu", mtuBody{info.Name, info.MTU})
	return nil
}

func captureFailure(err error) error {
	if err == nil {
		return nil
	}
	return outcome.Failf(outcome.Of(err), "", "cannot write the capture: %s", outcome.Cause(err))
}
