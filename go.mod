module github.com/octet-net/octet

go 1.26
