package octet

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/wire"
)

const (
	fastCookieLife = 24 * time.Hour  // a cookie is not shown longer after it came
	fastFirstPause = 4 * time.Minute // after a failure; it doubles with each
	fastLastPause  = 36 * time.Hour
)

// A fastPath is a way on which Fast Open may be possible (RFC 7413 §4.1.3). Cookies
// serve every port of a server, and are kept under port 0; failures are those of
// one port (§4.1.3.1).
type fastPath struct {
	local, remote [16]byte
	port          uint16
	zone          uint32
}

func (k *tuple) fastPath() fastPath { return fastPath{k.local, k.remote, k.remotePort, k.zone} }

// A fastRecord is what is known of one fastPath.
type fastRecord struct {
	path     fastPath
	until    mono.Time // to which a cookie is shown, or Fast Open not tried
	cookie   wire.Cookie
	mss      int
	failures uint8 // in a row
}

// A fastMemory is what a host remembers of servers: at most so many records, of
// which those not used for longest give way.
type fastMemory struct {
	most int

	mu     sync.Mutex
	byPath map[fastPath]*list.Element
	used   list.List // of *fastRecord, the latest used first
}

// get returns the record of a path, nil if there is none. The caller holds m.mu,
// as of what follows.
func (m *fastMemory) get(p fastPath) *fastRecord {
	at := m.byPath[p]
	if at == nil {
		return nil
	}
	m.used.MoveToFront(at)
	return at.Value.(*fastRecord)
}

// put returns the record of a path, a new one if there is none.
func (m *fastMemory) put(p fastPath) *fastRecord {
	if r := m.get(p); r != nil {
		return r
	}
	if m.used.Len() >= max(m.most, 1) {
		m.drop(m.used.Back().Value.(*fastRecord).path)
	}
	if m.byPath == nil {
		m.byPath = make(map[fastPath]*list.Element)
	}
	r := &fastRecord{path: p}
	m.byPath[p] = m.used.PushFront(r)
	return r
}

func (m *fastMemory) drop(p fastPath) {
	if at := m.byPath[p]; at != nil {
		m.used.Remove(at)
		delete(m.byPath, p)
	}
}

// recall says how to open on a path: with the cookie that is known, with the
// question for one, or, where that failed lately, without Fast Open.
func (m *fastMemory) recall(now mono.Time, p fastPath) (f tcp.FastOpen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.get(p); r != nil && now < r.until {
		return f
	}
	f.On = true
	p.port = 0
	if r := m.get(p); r != nil && now < r.until {
		f.Cookie, f.MSS = r.cookie, r.mss
	}
	return f
}

// learn takes in what became of an attempt (RFC 7413 §4.1.3, §4.2.1).
func (m *fastMemory) learn(now mono.Time, p fastPath, got *tcp.FastOpening, mss int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := p
	all.port = 0
	switch {
	case got.Cookie.Len > 0:
		m.drop(p)
		r := m.put(all)
		r.cookie, r.mss, r.until = got.Cookie, mss, now.Add(fastCookieLife)
	case got.Outcome == tcp.FastOpenTaken:
		m.drop(p)
		if r := m.get(all); r != nil {
			r.mss = mss
		}
	case got.Outcome == tcp.FastOpenRefused:
		m.drop(all)
		m.failed(now, p)
	case got.Outcome == tcp.FastOpenLost:
		m.failed(now, p)
	}
}

// failed keeps Fast Open from being tried for a while (RFC 7413 §4.1.3.1).
func (m *fastMemory) failed(now mono.Time, p fastPath) {
	r := m.put(p)
	r.until = now.Add(min(fastFirstPause<<r.failures, fastLastPause))
	r.failures = min(r.failures+1, 16)
}

// usualMSS is what a SYN carries at most: one that is larger than others are may
// not pass (RFC 7413 §4.1.3).
func usualMSS(a netip.Addr) int {
	if a.Is4() {
		return 1460
	}
	return 1440
}
