//! Owns the text of an address (BIP-173), written and read in the few steps that 20 bytes behind one fixed
//! prefix take: every transaction has several, and the library, which takes any prefix and length, would
//! spend more on them than all else in reading it. Tests hold this against the library.

use super::LENGTH;

/// `ait1`, 32 characters of 5 bits each, 6 characters of checksum.
pub(crate) const TEXT_LENGTH: usize = 42;

const PREFIX: &[u8; 4] = b"ait1";
const DATA: usize = 32;
const CHECKSUM: usize = 6;

/// The character of each 5 bits.
const CHARACTERS: [u8; 32] = *b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The 5 bits of each character; [`NONE`] for the others.
#[expect(clippy::as_conversions, reason = "no `From` is const")]
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value: u8 = 0;
    while value < 32 {
        values[CHARACTERS[value as usize] as usize] = value;
        value += 1;
    }
    values
};
const NONE: u8 = 0xff;

/// What the 5 bits that leave the checksum bring into it.
const FEEDBACK: [u32; 32] = {
    let generator = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let mut feedback = [0; 32];
    let mut leaving = 0;
    while leaving < 32 {
        let mut bit = 0;
        while bit < 5 {
            if (leaving >> bit) & 1 == 1 {
                feedback[leaving] ^= generator[bit];
            }
            bit += 1;
        }
        leaving += 1;
    }
    feedback
};

/// The checksum after the prefix: the high bits of its characters, a zero, the low bits.
const AFTER_PREFIX: u32 = 0x04dd_358d;

/// The checksum, of 30 bits, with 5 bits more.
fn step(checksum: u32, value: u8) -> u32 {
    let leaving = low_5_bits(checksum >> 25);
    (checksum & 0x01ff_ffff) << 5 ^ u32::from(value) ^ FEEDBACK[usize::from(leaving)]
}

fn low_5_bits(bits: u32) -> u8 {
    let [low, ..] = bits.to_le_bytes();
    low & 31
}

/// The text of an address.
pub(super) fn write(bytes: &[u8; LENGTH]) -> [u8; TEXT_LENGTH] {
    let mut values = [0; DATA];
    let groups = values.as_chunks_mut::<8>().0.iter_mut();
    for (eight, five) in groups.zip(bytes.as_chunks::<5>().0) {
        let [a, b, c, d, e] = *five;
        // 20 bits in each half.
        let high = u32::from_be_bytes([0, a, b, c]) >> 4;
        let low = u32::from_be_bytes([0, c & 15, d, e]);
        *eight = [
            low_5_bits(high >> 15),
            low_5_bits(high >> 10),
            low_5_bits(high >> 5),
            low_5_bits(high),
            low_5_bits(low >> 15),
            low_5_bits(low >> 10),
            low_5_bits(low >> 5),
            low_5_bits(low),
        ];
    }
    let zeros = [0; CHECKSUM];
    let checksum = values
        .iter()
        .chain(&zeros)
        .fold(AFTER_PREFIX, |checksum, value| step(checksum, *value))
        ^ 1;
    let check = [25, 20, 15, 10, 5, 0].map(|shift| low_5_bits(checksum >> shift));
    let mut text = [0; TEXT_LENGTH];
    let written = values
        .iter()
        .chain(&check)
        .map(|value| CHARACTERS[usize::from(*value) & 31]);
    let all = PREFIX.iter().copied().chain(written);
    for (character, written) in text.iter_mut().zip(all) {
        *character = written;
    }
    text
}

/// The address that has this text; `None` where none has.
pub(super) fn read(text: &[u8]) -> Option<[u8; LENGTH]> {
    let data: &[u8; DATA + CHECKSUM] = text.strip_prefix(PREFIX)?.try_into().ok()?;
    let values = data.map(|character| VALUES[usize::from(character)]);
    if values.contains(&NONE) {
        return None;
    }
    if values
        .iter()
        .fold(AFTER_PREFIX, |checksum, value| step(checksum, *value))
        != 1
    {
        return None;
    }
    let mut bytes = [0; LENGTH];
    let groups = bytes.as_chunks_mut::<5>().0.iter_mut();
    for (five, eight) in groups.zip(values.as_chunks::<8>().0) {
        let bits = eight
            .iter()
            .fold(0_u64, |bits, value| bits << 5 | u64::from(*value));
        let [_, _, _, read @ ..] = bits.to_be_bytes();
        *five = read;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
    use proptest::prelude::*;

    use super::*;
    use crate::prelude::*;

    fn of_library(text: &str) -> Option<Vec<u8>> {
        let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
        let is_ours = checked.hrp() == Hrp::parse("ait").unwrap();
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        (is_ours && is_lower).then(|| checked.byte_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn an_address_is_written_and_read_as_the_library_does(bytes: [u8; LENGTH]) {
            let text = write(&bytes);
            let text = core::str::from_utf8(&text).unwrap();
            let library = bech32::encode::<Bech32>(Hrp::parse("ait").unwrap(), &bytes).unwrap();
            prop_assert_eq!(text, library);
            prop_assert_eq!(read(text.as_bytes()), Some(bytes));
        }

        #[test]
        fn what_is_changed_is_read_where_the_library_reads_it(
            bytes: [u8; LENGTH],
            at in 0..TEXT_LENGTH,
            character in "[ -~]",
            length in 0..=TEXT_LENGTH,
        ) {
            let text = write(&bytes);
            let mut changed = core::str::from_utf8(&text).unwrap().to_owned();
            changed.replace_range(at..=at, &character);
            prop_assert_eq!(read(changed.as_bytes()).map(Vec::from), of_library(&changed));
            changed.truncate(length);
            prop_assert_eq!(
                read(changed.as_bytes()).map(Vec::from),
                of_library(&changed).filter(|read| read.len() == LENGTH)
            );
        }
    }
}
