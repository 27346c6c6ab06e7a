//! Owns what JSON the protocol reads and writes (PROTOCOL sections 2 and 3): types that hold nothing
//! forbidden, read strictly, and their RFC 8785 canonical form.
//!
//! A type that is read here declares its fields in alphabetical order, all of them ASCII, and holds
//! no number but integers: then `serde_json`'s compact form is the canonical one.
//!
//! [`read`] takes any formatting and names what is wrong; `canonical` reads the canonical form alone,
//! fast.

pub(crate) mod canonical;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{
    code::Code,
    error::{InvariantViolation, Refusal},
    prelude::*,
};

/// The canonical bytes of one of our own values.
///
/// # Errors
/// [`InvariantViolation`]: our own types always serialise.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, InvariantViolation> {
    serde_json::to_vec(value)
        .map_err(|error| InvariantViolation::new(format!("a value has no canonical form: {error}")))
}

/// The canonical text of one of our own values.
///
/// # Errors
/// As [`canonical`].
pub fn canonical_text<T: Serialize>(value: &T) -> Result<String, InvariantViolation> {
    serde_json::to_string(value)
        .map_err(|error| InvariantViolation::new(format!("a value has no canonical form: {error}")))
}

/// Reads a `T` from JSON in any formatting. Unknown, missing, repeated and null fields are refused
/// where `T` says so; `path` is what messages call the whole: `""` for a transaction, `"payload"`.
///
/// # Errors
/// [`Code::MalformedJson`] for what is no JSON, else [`Code::InvalidField`] with the field's path.
pub fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8], path: &str) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).or_else(|_| explain(bytes, path))
}

/// Reads again, to say where it fails: that it is no JSON at all comes before what is wrong with a
/// field. Apart from [`read`], which is fast because it keeps no path.
fn explain<'de, T: Deserialize<'de>>(bytes: &'de [u8], path: &str) -> Result<T, Refusal> {
    check_well_formed(bytes)?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = joined(path, &error.path().to_string());
        Refusal::field(format!("field {field}: {}", without_place(error.inner())))
    })
}

/// Checks that bytes are JSON that repeats no field at any depth. Reading what keeps a part of them as its
/// text does not: that part may be refused before anybody reads it.
///
/// # Errors
/// [`Code::MalformedJson`].
pub(crate) fn check_well_formed(bytes: &[u8]) -> Result<(), Refusal> {
    serde_json::from_slice::<WellFormed>(bytes)
        .map(|_| ())
        .map_err(|error| Refusal::new(Code::MalformedJson, format!("not valid JSON: {error}")))
}

/// Any JSON that repeats no field at any depth. Keeps nothing of it.
struct WellFormed;

impl<'de> Deserialize<'de> for WellFormed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> serde::de::Visitor<'de> for WellFormed {
    type Value = Self;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    #[expect(
        clippy::disallowed_types,
        reason = "serde's signature; the number is not kept"
    )]
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<Self, A::Error> {
        while access.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, Self)) = access.next_entry::<String, Self>()? {
            if names.contains(&name) {
                let shown: String = name.chars().take(64).collect();
                return Err(serde::de::Error::custom(format_args!(
                    "repeated field {shown:?}"
                )));
            }
            names.insert(name);
        }
        Ok(self)
    }
}

fn joined(path: &str, inner: &str) -> String {
    match (path, inner) {
        ("", ".") => "(the whole)".to_owned(),
        ("", inner) => inner.to_owned(),
        (path, ".") => path.to_owned(),
        (path, inner) => format!("{path}.{inner}"),
    }
}

/// The message alone: its line and column say nothing beside the field's path.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(&text);
    text.chars().take(300).collect()
}

/// Reads a `T` from its canonical bytes alone: in one pass where they are, and again to say what is
/// wrong with them where they are not.
///
/// # Errors
/// As [`read`], and [`Code::NotCanonical`] for any other spelling of the same.
pub fn read_canonical<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    path: &str,
) -> Result<T, Refusal> {
    if let Some(value) = canonical::read(bytes) {
        return Ok(value);
    }
    let value: T = read(bytes, path)?;
    let again = serde_json::to_vec(&value).unwrap_or_default();
    if again != bytes {
        if !says_the_same(bytes, &again) {
            return Err(Refusal::field("a list stands where an object belongs"));
        }
        return Err(Refusal::new(
            Code::NotCanonical,
            "not in RFC 8785 canonical form (sorted fields, no white space)",
        ));
    }
    Ok(value)
}

/// Whether a text in any formatting says just what `canonical` says: no list where an object
/// belongs, no field that was overlooked.
pub(crate) fn says_the_same(text: &[u8], canonical: &[u8]) -> bool {
    let read = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    read(text).is_some_and(|said| read(canonical) == Some(said))
}

/// Reads an optional field that is there: null is no value of the protocol.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads a value of the protocol that is a text with a form of its own.
pub(crate) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: core::str::FromStr<Err = Refusal>,
{
    struct Visitor<T>(core::marker::PhantomData<T>);
    impl<T: core::str::FromStr<Err = Refusal>> serde::de::Visitor<'_> for Visitor<T> {
        type Value = T;
        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Visitor(core::marker::PhantomData))
}

/// Writes bytes as lower-case hex; `text` has room for twice as many.
pub(crate) fn print_hex<S: serde::Serializer>(
    text: &mut [u8],
    bytes: &[u8],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::Error;
    hex::encode_to_slice(bytes, text).map_err(S::Error::custom)?;
    serializer.serialize_str(core::str::from_utf8(text).map_err(S::Error::custom)?)
}

/// An object of the protocol that maps keys of its own to values, none of them twice.
pub(crate) fn unique_map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    struct Visitor<K, V>(core::marker::PhantomData<(K, V)>);
    impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> serde::de::Visitor<'de>
        for Visitor<K, V>
    {
        type Value = BTreeMap<K, V>;
        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut access: A,
        ) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry()? {
                if map.insert(key, value).is_some() {
                    return Err(serde::de::Error::custom("repeated field"));
                }
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Visitor(core::marker::PhantomData))
}

/// `true`, the only value of a flag that may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct True;

impl Serialize for True {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? {
            Ok(Self)
        } else {
            Err(serde::de::Error::custom("must be true, or be left out"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_order_are_those_of_serde_json_without_features() {
        // `arbitrary_precision`, `preserve_order` and `float_roundtrip` would change what is read
        // or written; a dependency anywhere in the workspace can switch them on for all.
        let value: serde_json::Value = serde_json::from_str("{\"b\":1,\"a\":1e2}").unwrap();
        assert_eq!(
            serde_json::to_string(&value).unwrap(),
            "{\"a\":100.0,\"b\":1}"
        );
        let huge: serde_json::Value = serde_json::from_str("100000000000000000000000").unwrap();
        assert_eq!(huge.to_string(), "1e+23");
    }

    #[test]
    fn what_is_no_json_is_called_so_before_any_field_is() {
        let code = |text: &str| read::<Form>(text.as_bytes(), "").unwrap_err().code;
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            #[serde(deserialize_with = "unique_map")]
            map: BTreeMap<String, u64>,
            word: Option<Word>,
        }
        #[derive(Debug, Deserialize)]
        enum Word {
            One,
        }
        let good: Form = read(b"{\"map\":{\"a\":1}}", "").unwrap();
        assert_eq!(good.map.len(), 1);
        assert!(good.word.is_none_or(|Word::One| false));
        for malformed in [
            "{\"map\":{},\"map\":{}}",
            "{\"map\":{\"a\":1,\"a\":1}}",
            "{\"map\":1,\"other\":[{\"a\":1,\"\\u0061\":1}]}",
            "{\"map\":1}}",
            "{\"map\":1",
            "{\"map\":\"\\ud800\"}",
            "{\"map\":1e999}",
        ] {
            assert_eq!(code(malformed), Code::MalformedJson, "{malformed}");
        }
        for fault in [
            "{\"map\":1}",
            "{\"map\":null}",
            "{\"map\":-1.5e3}",
            "{\"map\":{},\"word\":1}",
            "[]",
            "{}",
        ] {
            assert_eq!(code(fault), Code::InvalidField, "{fault}");
        }
    }

    #[test]
    fn only_true_is_a_flag() {
        assert_eq!(read::<True>(b"true", "payload.final").unwrap(), True);
        for bad in ["false", "1", "\"true\"", "null"] {
            let refusal = read::<True>(bad.as_bytes(), "payload.final").unwrap_err();
            assert_eq!(refusal.code, Code::InvalidField);
            assert!(refusal.message.contains("payload.final"), "{refusal}");
        }
    }
}
