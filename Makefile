# The two commands of the README. Both set up what they need.
.PHONY: demo test setup graphviz

# A C compiler builds the parsers and the decompressors; libpcap has the filters over packets.
setup:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.90 or newer (rustup, or your distribution)"; exit 1; }
	@command -v cc >/dev/null || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy gcc libc6-dev; \
	  else echo "a C compiler is missing: install gcc or clang"; exit 1; fi; }

	@ls /usr/include/pcap.h /usr/local/include/pcap.h /opt/homebrew/include/pcap.h /usr/include/pcap/pcap.h 2>/dev/null | grep -q . || \
	  [ "$$(uname)" = Darwin ] || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy --no-install-recommends libpcap-dev; \
	  else echo "libpcap is missing: install libpcap-dev (or libpcap-devel), or build with cargo build --no-default-features"; exit 1; fi; }

# The tests let Graphviz draw what the program says.
graphviz:
	@command -v dot >/dev/null || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy --no-install-recommends graphviz; \
	  else echo "Graphviz is missing: install the package graphviz, the tests draw with it"; exit 1; fi; }

demo: setup
	cargo build --release
	target/release/whodepends scan fixtures/shop/world

test: setup graphviz
	cargo test
