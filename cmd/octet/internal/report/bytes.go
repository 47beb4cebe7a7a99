package report

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// PyBytes writes octets as Python prints a bytes value: b'Hello\n'.
func PyBytes(p []byte) string {
	quote := byte('\'')
	if strings.IndexByte(string(p), '\'') >= 0 && strings.IndexByte(string(p), '"') < 0 {
		quote = '"'
	}
	b := append(make([]byte, 0, len(p)+3), 'b', quote)
	for _, c := range p {
		switch {
		case c == quote || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20 || c > 0x7e:
			b = fmt.Appendf(b, `\x%02x`, c)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, quote))
}

// Data is octets in a JSON object: as text if they are valid UTF-8, else in base64.
type Data struct {
	Octets int    `json:"octets"`
	Text   string `json:"data,omitempty" jsonschema:"the octets, if they are valid UTF-8"`
	Base64 string `json:"data_base64,omitempty" jsonschema:"the octets in base64, if they are not"`
}

// DataOf returns p as it is written in an object.
func DataOf(p []byte) Data {
	if utf8.Valid(p) {
		return Data{Octets: len(p), Text: string(p)}
	}
	return Data{Octets: len(p), Base64: base64.StdEncoding.EncodeToString(p)}
}
