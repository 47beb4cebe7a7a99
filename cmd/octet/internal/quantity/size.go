// Package quantity reads what people write on a command line: sizes, shares,
// durations, rates, endpoints. It accepts only what has one meaning, and its errors
// say what to write instead.
package quantity

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// sizeUnits are the words after a size: SI prefixes count in thousands, IEC ones in 1024ths.
var sizeUnits = map[string]int64{
	"": 1, "B": 1,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// Size reads a number of octets: 1500, 100MB (millions), 64KiB (of 1024), 1.5MB, 1e6.
func Size(s string) (int64, error) {
	number, unit := split(s)
	factor, ok := sizeUnits[unit]
	if !ok {
		return 0, badSizeUnit(s, number, unit)
	}
	r, ok := decimal(number)
	if !ok {
		return 0, fmt.Errorf("%q is not a size: write a number of octets such as 1500, 100MB or 64KiB", s)
	}
	r.Mul(r, new(big.Rat).SetInt64(factor))
	if !r.IsInt() {
		return 0, fmt.Errorf("size %q is not a whole number of octets", s)
	}
	if !r.Num().IsInt64() {
		return 0, fmt.Errorf("size %q is too large: the most is %d octets", s, int64(math.MaxInt64))
	}
	return r.Num().Int64(), nil
}

func badSizeUnit(s, number, unit string) error {
	if _, ok := decimal(number); ok && len(unit) == 1 && strings.Contains("kKMGT", unit) {
		upper := strings.ToUpper(unit)
		return fmt.Errorf("size %q has two meanings: write %s%sB (thousands) or %s%siB (of 1024)", s, number, upper, number, upper)
	}
	if number == "" {
		return fmt.Errorf("%q is not a size: write a number of octets such as 1500, 100MB or 64KiB", s)
	}
	return fmt.Errorf("size %q has an unknown unit %q: use B, kB, MB, GB, KiB, MiB or GiB", s, unit)
}

// split divides s where its number ends. An e belongs to the number only before a digit.
func split(s string) (number, unit string) {
	i := 0
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	if i > 0 && i+1 < len(s) && (s[i] == 'e' || s[i] == 'E') && isDigit(s[i+1]) {
		for i++; i < len(s) && isDigit(s[i]); i++ {
		}
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func areDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// decimal reads 12, 1.5 or 1e6, of a length that cannot make the machine work hard.
func decimal(s string) (*big.Rat, bool) {
	mantissa, exponent, hasExp := strings.Cut(strings.ToLower(s), "e")
	if hasExp {
		if n, err := strconv.ParseUint(exponent, 10, 8); err != nil || n > 18 {
			return nil, false
		}
	}
	whole, fraction, hasDot := strings.Cut(mantissa, ".")
	if len(s) > 40 || !areDigits(whole) || hasDot && !areDigits(fraction) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// Share reads a part of the whole, as a number from 0 to 1: 2% or 0.02.
func Share(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	r, ok := decimal(number)
	if !ok {
		return 0, fmt.Errorf("%q is not a percentage: write it as 2%% or 0.02", s)
	}
	one := big.NewRat(1, 1)
	if percent {
		r.Mul(r, big.NewRat(1, 100))
	} else if r.Cmp(one) >= 0 {
		return 0, fmt.Errorf("%q has no percent sign: write %s%%, or a number below 1 such as 0.02", s, s)
	}
	if r.Cmp(one) > 0 {
		return 0, fmt.Errorf("percentage %q is more than the whole: the most is 100%%", s)
	}
	f, _ := r.Float64()
	return f, nil
}

// Duration reads a time that is not negative, with its unit: 50ms, 1.5s, 2m.
func Duration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		if _, ok := decimal(s); ok {
			return 0, fmt.Errorf("duration %q has no unit: write %sms or %ss", s, s, s)
		}
		return 0, fmt.Errorf("%q is not a duration: write it as 50ms, 1.5s or 2m", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("duration %q is negative", s)
	}
	return d, nil
}

// rateUnits are the words after a rate, in bits a second; spelled as ip-route and tc spell them too.
var rateUnits = map[string]int64{
	"bit": 1, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9,
	"bit/s": 1, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9,
}

// Rate reads bits a second: 10Mbit/s, 64kbit.
func Rate(s string) (bitsPerSecond int64, err error) {
	number, unit := split(s)
	factor, known := rateUnits[unit]
	r, ok := decimal(number)
	if !known || !ok {
		return 0, fmt.Errorf("%q is not a rate: write it as 64kbit/s, 10Mbit/s or 1Gbit/s", s)
	}
	r.Mul(r, new(big.Rat).SetInt64(factor))
	if !r.IsInt() || !r.Num().IsInt64() || r.Sign() == 0 {
		return 0, fmt.Errorf("rate %q is not a whole number of bits a second above zero", s)
	}
	return r.Num().Int64(), nil
}

// Group writes n with a comma between each three digits, as people read long numbers.
func Group[T ~int | ~int64 | ~uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	if uint64(n) > math.MaxInt64 && n > 0 {
		s = strconv.FormatUint(uint64(n), 10)
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Bytes writes a size with its unit in thousands: 33 octets, 1.5 MB.
func Bytes(n int64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if f := float64(n) / u.of; f >= 1 {
			return strconv.FormatFloat(f, 'f', decimalsFor(f), 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " octets"
}

func decimalsFor(f float64) int {
	if f == math.Trunc(f) || f >= 100 {
		return 0
	}
	return 1
}
