package bench

import (
	"encoding/json"
	"fmt"
	"os"
)

// Ratios say how many times as good the first stack is as each rival: by work, then
// by rival. They are kept in a file, as JSON.
type Ratios map[string]map[string]float64

// ReadRatios reads a file of ratios.
func ReadRatios(path string) (Ratios, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Ratios
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Write writes the ratios to a file.
func (r Ratios) Write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o666)
}

// Ratios returns the ratios of a table, with three digits after the point.
func (t *Table) Ratios() Ratios {
	r := Ratios{}
	for i := range t.Works {
		w := &t.Works[i]
		for _, rival := range t.Stacks[1:] {
			if q, ok := t.Ratio(w, rival); ok {
				if r[w.Name] == nil {
					r[w.Name] = map[string]float64{}
				}
				r[w.Name][rival] = float64(int(q*1000+0.5)) / 1000
			}
		}
	}
	return r
}

// bearable is how much of a ratio must be left: a third may be noise.
const bearable = 2.0 / 3

// A Fall is a ratio that has become much worse than it was.
type Fall struct {
	Work     Work
	Rival    string
	Was, Now float64
}

// String says what fell, in one line.
func (f Fall) String() string {
	return fmt.Sprintf("%s: %s × as good as %s, %s × when it was stored", f.Work.Title, Number(f.Now), f.Rival, Number(f.Was))
}

// Fallen returns the ratios of the table that are more than a third below r.
func (r Ratios) Fallen(t *Table) []Fall {
	var list []Fall
	for _, w := range t.Works {
		for _, rival := range t.Stacks[1:] {
			was := r[w.Name][rival]
			if now, ok := t.Ratio(&w, rival); ok && now < bearable*was {
				list = append(list, Fall{w, rival, was, now})
			}
		}
	}
	return list
}
