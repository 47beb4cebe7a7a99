module example.test/exact

go 1.26
