package recipes

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/octet-net/octet/sim"
)

// postgres is a server of one connection that answers every query of the simple
// protocol with its text.
func postgres(c net.Conn) error {
	defer c.Close()
	b := pgproto3.NewBackend(c, c)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return err
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	b.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	for {
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if err := b.Flush(); err != nil {
			return err
		}
		message, err := b.Receive()
		if err != nil {
			return err
		}
		query, ok := message.(*pgproto3.Query)
		if !ok { // pgproto3.Terminate
			return nil
		}
		const text = 25 // the type, in pg_type
		b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("text"), DataTypeOID: text, DataTypeSize: -1}}})
		b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(query.String)}})
		b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
	}
}

// pgx: its pool takes a DialFunc, and a LookupFunc without which it asks the real DNS.
// Close the pool before the bubble ends. The server here is made of its own messages:
// PostgreSQL itself is another process, whose time is real.
func TestPgx(t *testing.T) {
	twice(t, func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 10 * time.Millisecond, Loss: sim.Random(0.03)})
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		l := listen(t, srv, ":5432")
		srv.Background(func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				go func() {
					if err := postgres(c); err != nil {
						t.Errorf("server: %v", err)
					}
				}()
			}
		})
		config, err := pgxpool.ParseConfig("postgres://alice@server:5432/shop?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.DialFunc, config.ConnConfig.LookupFunc = a.DialContext, a.LookupHost
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // which this server knows
		pool, err := pgxpool.NewWithConfig(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			a.Go(func() {
				for j := range 50 {
					var got string
					order := fmt.Sprintf("order-%d-%d", i, j)
					if err := pool.QueryRow(context.Background(), "select $1", order).Scan(&got); err != nil || !strings.Contains(got, order) {
						t.Errorf("%s: %q, %v", order, got, err)
					}
				}
			})
		}
		n.At(500*time.Millisecond, func() { n.Partition(sim.Set(a), sim.Set(srv)) })
		n.At(2*time.Second, n.Heal)
		if !n.Run(time.Minute) {
			t.Error("the queries are not done")
		}
		if s := n.Stats(a, srv); s.Stopped == 0 || s.Retransmits == 0 {
			t.Errorf("the partition did nothing: %+v", s)
		}
		pool.Close()
		time.Sleep(10 * time.Second) // the server hears of the end
		return []*sim.Host{srv, a}
	})
}
