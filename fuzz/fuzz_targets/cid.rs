//! A CID is refused, or is written as it was read.
#![no_main]

use blyan_primitives::cid::Cid;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
	if let Ok(cid) = Cid::from_bytes(input) {
		assert_eq!(cid.to_bytes(), input);
		assert_eq!(cid.to_string().parse(), Ok(cid));
	}
	if let Ok(text) = std::str::from_utf8(input) {
		if let Ok(cid) = text.parse::<Cid>() {
			assert_eq!(cid.to_string(), text, "two texts for the same CID");
			assert_eq!(Cid::from_bytes(&cid.to_bytes()), Ok(cid));
		}
	}
});
