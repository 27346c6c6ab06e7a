//! Owns the fast way to read what must stand in its canonical form (RFC 8785): one pass that takes no
//! byte that the form would not have, and builds nothing but the value.
//!
//! What it takes: no white space; the fields of an object in ascending order, so none twice; integers
//! without sign, fraction, exponent or leading zeros; in texts no escapes but those that must be, as
//! they must be. With types as [`super`] wants them, whose every value has one such text, the value
//! then prints as what was read. It says no without a reason; [`super::read`] finds reasons.

use core::fmt;

use serde::{
    Deserialize,
    de::{
        self, DeserializeSeed, MapAccess, SeqAccess, Unexpected, Visitor,
        value::{BorrowedStrDeserializer, StrDeserializer},
    },
};

use crate::prelude::*;

/// A `T` whose canonical form these bytes are; `None` for all other bytes.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
    let mut reader = Reader { rest: bytes };
    let value = T::deserialize(&mut reader).ok()?;
    reader.rest.is_empty().then_some(value)
}

/// An integer in its canonical form at the beginning of bytes, its text, and what follows.
pub(crate) fn integer(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len()))?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    let mut value: u64 = 0;
    for digit in digits {
        let digit = u64::from(digit.checked_sub(b'0')?);
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    Some((value, digits, rest))
}

/// That something is not in canonical form, or not what a type may be.
#[derive(Debug)]
struct No;

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not canonical")
    }
}

impl core::error::Error for No {}

impl de::Error for No {
    // Reasons are not wanted, so none is written out.
    fn custom<T: fmt::Display>(_: T) -> Self {
        No
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn de::Expected) -> Self {
        No
    }
}

/// What has not been read yet.
struct Reader<'de> {
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    fn take(&mut self, token: &[u8]) -> Result<(), No> {
        self.rest = self.rest.strip_prefix(token).ok_or(No)?;
        Ok(())
    }

    fn takes(&mut self, token: &[u8]) -> bool {
        self.take(token).is_ok()
    }

    /// A text without escapes; `None` where it has some.
    fn plain_text(&mut self) -> Result<Option<&'de str>, No> {
        let begun = self.rest.strip_prefix(b"\"").ok_or(No)?;
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        let end = begun.iter().position(special).ok_or(No)?;
        let (text, after) = begun.split_at_checked(end).ok_or(No)?;
        let Some(after) = after.strip_prefix(b"\"") else {
            return Ok(None);
        };
        self.rest = after;
        core::str::from_utf8(text).map(Some).map_err(|_| No)
    }

    /// A text with escapes.
    fn escaped_text(&mut self) -> Result<String, No> {
        self.take(b"\"")?;
        let mut text = Vec::new();
        loop {
            let (first, rest) = self.rest.split_first().ok_or(No)?;
            self.rest = rest;
            match first {
                b'"' => return String::from_utf8(text).map_err(|_| No),
                b'\\' => text.push(self.escape()?),
                0..0x20 => return Err(No),
                plain => text.push(*plain),
            }
        }
    }

    /// The rest of an escape, as RFC 8785 has it: two characters where there are such, else `\u00` and
    /// two lower-case hex digits.
    fn escape(&mut self) -> Result<u8, No> {
        for (short, byte) in SHORT_ESCAPES {
            if self.takes(&[*short]) {
                return Ok(*byte);
            }
        }
        self.take(b"u00")?;
        let (high, rest) = self.rest.split_first().ok_or(No)?;
        let (low, rest) = rest.split_first().ok_or(No)?;
        self.rest = rest;
        let digit = |character: &u8, limit: u32| {
            let digit = char::from(*character).to_digit(limit).ok_or(No)?;
            let is_upper = character.is_ascii_uppercase();
            u8::try_from(digit).ok().filter(|_| !is_upper).ok_or(No)
        };
        let byte = digit(high, 2)? << 4 | digit(low, 16)?;
        let has_short = SHORT_ESCAPES.iter().any(|(_, other)| *other == byte);
        (!has_short).then_some(byte).ok_or(No)
    }
}

/// The character after the backslash, and what it stands for.
const SHORT_ESCAPES: &[(u8, u8)] = &[
    (b'"', b'"'),
    (b'\\', b'\\'),
    (b'b', 8),
    (b't', b'\t'),
    (b'n', b'\n'),
    (b'f', 12),
    (b'r', b'\r'),
];

/// The kinds of values that the protocol does not have.
macro_rules! never {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, No> {
            Err(No)
        })+
    };
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = No;

    never! {
        deserialize_any deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_f32 deserialize_f64 deserialize_char deserialize_bytes deserialize_byte_buf
        deserialize_unit deserialize_ignored_any
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        if self.takes(b"true") {
            visitor.visit_bool(true)
        } else {
            self.take(b"false")?;
            visitor.visit_bool(false)
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        let (value, _, rest) = integer(self.rest).ok_or(No)?;
        self.rest = rest;
        visitor.visit_u64(value)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        match self.plain_text()? {
            Some(text) => visitor.visit_borrowed_str(text),
            None => visitor.visit_string(self.escaped_text()?),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        self.deserialize_str(visitor)
    }

    /// What may be left out is never null.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, No> {
        Err(No)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, No> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        self.take(b"[")?;
        let value = visitor.visit_seq(Elements {
            reader: self,
            is_first: true,
        })?;
        self.take(b"]")?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, No> {
        Err(No)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, No> {
        Err(No)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, No> {
        self.take(b"{")?;
        let value = visitor.visit_map(Fields {
            reader: self,
            last: None,
        })?;
        self.take(b"}")?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, No> {
        self.deserialize_map(visitor)
    }

    /// A word alone.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, No> {
        let word = self.plain_text()?.ok_or(No)?;
        visitor.visit_enum(StrDeserializer::new(word))
    }
}

/// The elements of a list.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_first: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = No;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, No> {
        if self.reader.rest.starts_with(b"]") {
            return Ok(None);
        }
        if !self.is_first {
            self.reader.take(b",")?;
        }
        self.is_first = false;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// The fields of an object.
struct Fields<'a, 'de> {
    reader: &'a mut Reader<'de>,
    last: Option<&'de str>,
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = No;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, No> {
        if self.reader.rest.starts_with(b"}") {
            return Ok(None);
        }
        if self.last.is_some() {
            self.reader.take(b",")?;
        }
        let name = self.reader.plain_text()?.ok_or(No)?;
        // RFC 8785 orders UTF-16, which is the order of bytes for ASCII; no name has more.
        if !name.is_ascii() || self.last.is_some_and(|last| last >= name) {
            return Err(No);
        }
        self.reader.take(b":")?;
        self.last = Some(name);
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, No> {
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        #[serde(
            default,
            deserialize_with = "crate::json::present",
            skip_serializing_if = "Option::is_none"
        )]
        list: Option<Vec<Word>>,
        map: BTreeMap<String, bool>,
        number: u64,
        text: String,
    }

    #[derive(Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
    enum Word {
        One,
    }

    #[test]
    fn what_serde_json_prints_is_read() {
        for text in [
            "",
            "plain",
            "naïve 😀 \u{7f}\u{2028}",
            "\"\\\u{8}\t\n\u{c}\r/\u{0}\u{1f}",
        ] {
            for number in [0, 1, 10, u64::MAX] {
                for list in [None, Some(Vec::new()), Some(vec![Word::One, Word::One])] {
                    let map = [("a".to_owned(), true), ("b".to_owned(), false)];
                    let form = Form {
                        list,
                        map: BTreeMap::from(map),
                        number,
                        text: text.to_owned(),
                    };
                    let printed = serde_json::to_vec(&form).unwrap();
                    assert_eq!(read::<Form>(&printed), Some(form), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn any_other_text_of_the_same_value_is_not() {
        let good = r#"{"list":["One"],"map":{"a":true,"b":false},"number":10,"text":"\n\u001f/"}"#;
        assert!(read::<Form>(good.as_bytes()).is_some());
        for (of, other) in [
            (":10", ": 10"),
            ("10", "010"),
            ("10", "10.0"),
            ("10", "1e1"),
            ("10", "+10"),
            ("10", "-0"),
            ("10", "18446744073709551616"),
            ("10", ""),
            ("\\n", "\\u000a"),
            ("\\n", "\n"),
            ("\\u001f", "\\u001F"),
            ("\\u001f", "\\u0020"),
            ("\\u001f", "\\u002f"),
            ("/", "\\/"),
            ("\"number\"", "\"numbe\\u0072\""),
            ("[\"One\"]", "[{\"One\":null}]"),
            ("[\"One\"]", "[\"One\",]"),
            ("[\"One\"]", "[,\"One\"]"),
            ("[\"One\"]", "[\"One\"\"One\"]"),
            ("[\"One\"]", "null"),
            ("\"a\":true,\"b\":false", "\"b\":false,\"a\":true"),
            ("\"a\":true,\"b\":false", "\"a\":true,\"a\":true"),
            ("\"a\":true,", "\"a\":true,,"),
            (
                "{\"list\":[\"One\"],",
                "{\"list\":[\"One\"],\"list\":[\"One\"],",
            ),
            ("\"text\"", "\"extra\":1,\"text\""),
            ("/\"}", "/\"} "),
            ("/\"}", "/\",}"),
            ("/\"}", "/\""),
        ] {
            let changed = good.replacen(of, other, 1);
            assert_ne!(changed, good, "{of}");
            assert_eq!(read::<Form>(changed.as_bytes()), None, "{changed}");
        }
        let list = br#"[["One"],{},10,""]"#;
        assert!(serde_json::from_slice::<Form>(list).is_ok());
        assert_eq!(read::<Form>(list), None);
    }
}
