//! Owns what JSON the protocol reads (SPEC sections 2 and 3): no repeated fields, no numbers but
//! integers `0..=2^53-1`, no null, nothing unknown; and its RFC 8785 canonical form.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
    ser::Error as _,
};

use crate::{
    amount,
    code::Code,
    error::{Broken, Refusal},
};

/// A JSON value of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `true` or `false`.
    Bool(bool),
    /// `0..=2^53-1`.
    Integer(u64),
    /// Text.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object; no field twice.
    Object(BTreeMap<String, Json>),
    /// Valid JSON that the protocol has no use for (null, a fraction, a negative or too large
    /// number), kept as text so that the refusal can name the field it stands in.
    Unsupported(String),
}

impl Json {
    /// Parses one JSON document in any formatting.
    ///
    /// # Errors
    /// [`Code::MalformedJson`] for what is no JSON, and for repeated fields and nesting deeper
    /// than 128.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(bytes)
            .map_err(|error| Refusal::new(Code::MalformedJson, format!("not valid JSON: {error}")))
    }

    /// The RFC 8785 canonical bytes.
    ///
    /// # Errors
    /// [`Code::InvalidField`] when a value in it is [`Json::Unsupported`].
    pub fn canonical(&self) -> Result<Vec<u8>, Refusal> {
        serde_json_canonicalizer::to_vec(self).map_err(|error| Refusal::field(error.to_string()))
    }

    /// What in it, at any depth, has no place in the protocol: null, a number that is no integer
    /// `0..=2^53-1`.
    pub fn unsupported(&self) -> Option<&str> {
        match self {
            Json::Unsupported(what) => Some(what),
            Json::Array(values) => values.iter().find_map(Json::unsupported),
            Json::Object(fields) => fields.values().find_map(Json::unsupported),
            Json::Bool(_) | Json::Integer(_) | Json::String(_) => None,
        }
    }

    /// What it is, for messages: short, and never the whole of a long value.
    fn describe(&self) -> String {
        match self {
            Json::Bool(value) => value.to_string(),
            Json::Integer(value) => value.to_string(),
            Json::String(_) => "a string".into(),
            Json::Array(_) => "a list".into(),
            Json::Object(_) => "an object".into(),
            Json::Unsupported(what) => what.clone(),
        }
    }
}

/// Canonical bytes (RFC 8785) of one of our own records or payloads.
///
/// # Errors
/// [`Broken`]: our own types always serialise.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, Broken> {
    serde_json_canonicalizer::to_vec(value)
        .map_err(|error| Broken::new(format!("a record has no canonical form: {error}")))
}

/// Any serialisable value as [`Json`].
///
/// # Errors
/// [`Broken`] when it is outside of the protocol's JSON.
pub fn from_typed<T: Serialize>(value: &T) -> Result<Json, Broken> {
    let bytes = canonical(value)?;
    Json::parse(&bytes).map_err(|refusal| Broken::new(refusal.message))
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Integer(value) => serializer.serialize_u64(*value),
            Json::String(value) => serializer.serialize_str(value),
            Json::Array(values) => values.serialize(serializer),
            Json::Object(fields) => fields.serialize(serializer),
            Json::Unsupported(what) => Err(S::Error::custom(format!(
                "{what} has no place in this protocol"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(if value <= amount::MAX {
            Json::Integer(value)
        } else {
            Json::Unsupported(value.to_string())
        })
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Unsupported(value.to_string()))
    }
    #[allow(
        clippy::float_arithmetic,
        reason = "only printed, to be refused by name"
    )]
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Unsupported(format!("the non-integer number {value}")))
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Unsupported("null".into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(name) = access.next_key::<String>()? {
            if fields.contains_key(&name) {
                let shown: String = name.chars().take(64).collect();
                return Err(A::Error::custom(format!("repeated field {shown:?}")));
            }
            fields.insert(name, access.next_value()?);
        }
        Ok(Json::Object(fields))
    }
}

/// Reads the fields of one object, refusing by name what is missing, unknown, mistyped or out of
/// range.
pub struct Fields<'a> {
    path: &'a str,
    fields: &'a BTreeMap<String, Json>,
}

impl<'a> Fields<'a> {
    /// Opens `json` as an object with all of `required`, any of `optional`, and nothing else.
    /// `path` is how messages name it: `""` for a whole transaction, `"payload"`.
    ///
    /// # Errors
    /// [`Code::InvalidField`].
    pub fn open(
        json: &'a Json,
        path: &'a str,
        required: &[&str],
        optional: &[&str],
    ) -> Result<Self, Refusal> {
        let Json::Object(fields) = json else {
            let what = json.describe();
            let name = if path.is_empty() { "the input" } else { path };
            return Err(Refusal::field(format!("{name}: {what} is not an object")));
        };
        let this = Self { path, fields };
        if let Some(name) = required.iter().find(|name| !fields.contains_key(**name)) {
            return Err(this.refuse(name, "is missing"));
        }
        let known = |name: &str| required.contains(&name) || optional.contains(&name);
        if let Some(name) = fields.keys().find(|name| !known(name)) {
            let shown: String = name.chars().take(64).collect();
            return Err(this.refuse(&shown, "is unknown"));
        }
        Ok(this)
    }

    /// Whether an optional field is there.
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// The field as it is.
    ///
    /// # Errors
    /// [`Code::InvalidField`] when it is missing.
    pub fn json(&self, name: &str) -> Result<&'a Json, Refusal> {
        self.fields
            .get(name)
            .ok_or_else(|| self.refuse(name, "is missing"))
    }

    /// An integer within `range`.
    ///
    /// # Errors
    /// [`Code::InvalidField`].
    pub fn integer(&self, name: &str, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
        let value = self.json(name)?;
        match value {
            Json::Integer(number) if range.contains(number) => Ok(*number),
            other => Err(self.refuse(
                name,
                &format!(
                    "must be an integer {}..={}, not {}",
                    range.start(),
                    range.end(),
                    other.describe()
                ),
            )),
        }
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// [`Code::InvalidField`].
    pub fn boolean(&self, name: &str) -> Result<bool, Refusal> {
        match self.json(name)? {
            Json::Bool(value) => Ok(*value),
            other => Err(self.refuse(
                name,
                &format!("must be true or false, not {}", other.describe()),
            )),
        }
    }

    /// Text.
    ///
    /// # Errors
    /// [`Code::InvalidField`].
    pub fn string(&self, name: &str) -> Result<&'a str, Refusal> {
        match self.json(name)? {
            Json::String(text) => Ok(text),
            other => Err(self.refuse(name, &format!("must be a string, not {}", other.describe()))),
        }
    }

    /// Text that names an address, a key, a signature or an id.
    ///
    /// # Errors
    /// That type's own code, its message led by the field's name.
    pub fn parsed<T: FromStr<Err = Refusal>>(&self, name: &str) -> Result<T, Refusal> {
        self.string(name)?.parse().map_err(|refusal: Refusal| {
            Refusal::new(
                refusal.code,
                format!("{}: {}", self.name(name), refusal.message),
            )
        })
    }

    /// A refusal that begins with the field's full name.
    pub fn refuse(&self, name: &str, why: &str) -> Refusal {
        Refusal::field(format!("field {} {why}", self.name(name)))
    }

    fn name(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_documents_are_refused() {
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        let cases: &[&[u8]] = &[
            b"",
            b"{",
            b"\xef\xbb\xbf{}",
            b"{\"a\":1,\"a\":1}",
            b"{\"p\":{\"a\":1,\"\\u0061\":2}}",
            b"\"\\ud800\"",
            b"\"\xff\"",
            b"{} {}",
            b"{\"a\":01}",
            b"NaN",
            deep.as_bytes(),
        ];
        for bytes in cases {
            let refusal = Json::parse(bytes).unwrap_err();
            assert_eq!(refusal.code, Code::MalformedJson);
        }
    }

    #[test]
    fn only_integers_up_to_2_53_minus_1_are_numbers() {
        for bad in [
            "-1",
            "-0",
            "1.0",
            "1e2",
            "9007199254740992",
            "99999999999999999999",
            "\"1\"",
            "null",
        ] {
            let json = Json::parse(format!("{{\"amount\":{bad}}}").as_bytes()).unwrap();
            let fields = Fields::open(&json, "payload", &["amount"], &[]).unwrap();
            let refusal = fields.integer("amount", 0..=amount::MAX).unwrap_err();
            assert!(refusal.message.contains("payload.amount"), "{refusal}");
            assert!(refusal.message.contains("9007199254740991"), "{refusal}");
        }
    }

    #[test]
    fn canonical_order_is_by_utf16_code_units() {
        // U+1F600 (surrogates d83d de00) sorts before U+FB33 in UTF-16, after it in UTF-8.
        let json = Json::parse("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"a\":\"\\u000f\\n\"}".as_bytes())
            .unwrap();
        let canonical = String::from_utf8(json.canonical().unwrap()).unwrap();
        assert_eq!(
            canonical,
            "{\"a\":\"\\u000f\\n\",\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }
}
