package netif

import (
	"os"
	"strings"
	"testing"
)

func TestOptionsAreWhatTheDriverSays(t *testing.T) {
	all, err := Kernel()
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range all {
		if in.Options == nil {
			continue
		}
		if _, rest := in.Options.Names(); rest != 0 {
			t.Errorf("%s: bits %#x of its options have no name", in.Name, rest)
		}
		for feature, option := range optionOf {
			if has(in.Features, feature) && !in.Options.Has(option) {
				t.Errorf("%s: %s is on but %s is not shown", in.Name, feature, option)
			}
		}
		if in.Options.Has("TSO4") && !has(in.Features, "tx-tcp-segmentation") {
			t.Errorf("%s: TSO4 is shown but not on", in.Name)
		}
	}
}

func has(list []string, s string) bool {
	return strings.Contains(" "+strings.Join(list, " ")+" ", " "+s+" ")
}

func TestAddressIsThatOfSysfs(t *testing.T) {
	all, err := Kernel()
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range all {
		b, err := os.ReadFile("/sys/class/net/" + in.Name + "/address")
		if err != nil {
			t.Skip("sysfs is not there: ", err)
		}
		if got := strings.TrimSpace(string(b)); got != in.MAC.String() {
			t.Errorf("%s: address %s, sysfs says %s", in.Name, in.MAC, got)
		}
	}
}

func TestStampOptions(t *testing.T) {
	for can, want := range map[uint32]string{0: "", 0x10: "", 0xa: "SW_TIMESTAMP", 0x1: "HW_TIMESTAMP", 0x5f: "HW_TIMESTAMP,SW_TIMESTAMP"} {
		names, _ := Word{MacOptions, stampOptions(can)}.Names()
		if got := strings.Join(names, ","); got != want {
			t.Errorf("%#x: %s, want %s", can, got, want)
		}
	}
}
