package recipes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/octet-net/octet/sim"
)

// messages is how many messages each stream carries.
const messages = 200

type text = wrapperspb.StringValue

// streams is a service of the three kinds of streams, written out instead of generated.
var streams = grpc.ServiceDesc{
	ServiceName: "recipes.Streams",
	HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{
		{StreamName: "Count", ServerStreams: true, Handler: count},
		{StreamName: "Collect", ClientStreams: true, Handler: collect},
		{StreamName: "Echo", ServerStreams: true, ClientStreams: true, Handler: echo},
	},
}

// count sends messages for one.
func count(_ any, s grpc.ServerStream) error {
	var in text
	if err := s.RecvMsg(&in); err != nil {
		return err
	}
	for i := range messages {
		if err := s.SendMsg(wrapperspb.String(fmt.Sprint(in.Value, i))); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// collect receives messages and sends their number.
func collect(_ any, s grpc.ServerStream) error {
	for got := 0; ; got++ {
		var in text
		if err := s.RecvMsg(&in); errors.Is(err, io.EOF) {
			return s.SendMsg(wrapperspb.String(fmt.Sprint(got)))
		} else if err != nil {
			return err
		}
	}
}

// echo sends back each message.
func echo(_ any, s grpc.ServerStream) error {
	for {
		var in text
		if err := s.RecvMsg(&in); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.SendMsg(&in); err != nil {
			return err
		}
	}
}

// receiveCount is the client of Count.
func receiveCount(s grpc.ClientStream) error {
	if err := errors.Join(s.SendMsg(wrapperspb.String("n")), s.CloseSend()); err != nil {
		return err
	}
	for i := range messages {
		var out text
		if err := s.RecvMsg(&out); err != nil || out.Value != fmt.Sprint("n", i) {
			return fmt.Errorf("message %d: %q, %w", i, out.Value, err)
		}
	}
	return end(s)
}

// sendCollect is the client of Collect.
func sendCollect(s grpc.ClientStream) error {
	for i := range messages {
		if err := s.SendMsg(wrapperspb.String(fmt.Sprint(i))); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	var out text
	if err := errors.Join(s.CloseSend(), s.RecvMsg(&out)); err != nil || out.Value != fmt.Sprint(messages) {
		return fmt.Errorf("answer %q, %w", out.Value, err)
	}
	return end(s)
}

// talkEcho is the client of Echo, one message after another.
func talkEcho(s grpc.ClientStream) error {
	for i := range messages / 4 {
		var out text
		err := errors.Join(s.SendMsg(wrapperspb.String(fmt.Sprint(i))), s.RecvMsg(&out))
		if err != nil || out.Value != fmt.Sprint(i) {
			return fmt.Errorf("message %d: %q, %w", i, out.Value, err)
		}
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	return end(s)
}

// end reads the end of a stream.
func end(s grpc.ClientStream) error {
	if err := s.RecvMsg(new(text)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("at the end: %w", err)
	}
	return nil
}

// gRPC: give its client a dialer, and an address that it does not resolve itself
// (passthrough:), and its server a listener. Close the client before the bubble ends.
// Its options for TCP, such as TCP_USER_TIMEOUT, need a *net.TCPConn and do nothing
// here. A partition of three seconds is survived by the connection: streams stand
// still and go on. Its goroutines race: only octet test repeats it, in a new process.
func TestGRPC(t *testing.T) {
	twice(t, func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 15 * time.Millisecond, Loss: sim.Random(0.05)})
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		s := grpc.NewServer()
		s.RegisterService(&streams, nil)
		l := listen(t, srv, ":50051")
		srv.Background(func() { _ = s.Serve(l) })
		conn, err := grpc.NewClient("passthrough:///server:50051",
			grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
				return a.DialContext(ctx, "tcp", address)
			}),
			grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range []func(grpc.ClientStream) error{receiveCount, sendCollect, talkEcho} {
			a.Go(func() {
				d := &streams.Streams[i]
				stream, err := conn.NewStream(context.Background(), d, "/"+streams.ServiceName+"/"+d.StreamName)
				if err == nil {
					err = f(stream)
				}
				if err != nil {
					t.Errorf("%s: %v", d.StreamName, err)
				}
			})
		}
		n.At(time.Second, func() { n.Partition(sim.Set(a), sim.Set(srv)) })
		n.At(4*time.Second, n.Heal)
		if !n.Run(time.Minute) {
			t.Error("the streams are not done")
		}
		if now := n.Now(); now < 5*time.Second {
			t.Errorf("done after %v: the partition held nothing up", now)
		}
		if s := n.Stats(a, srv); s.Stopped == 0 || s.Retransmits == 0 {
			t.Errorf("the partition did nothing: %+v", s)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		s.Stop()
		return []*sim.Host{srv, a}
	})
}
