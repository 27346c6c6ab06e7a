//! Owns JSON: a strict reader and the canonical form of RFC 8785.
//!
//! The reader takes any white space and any order of fields, so that bytes which say something, but not
//! in the canonical form, can be told from bytes which say nothing.

use serde_json::{Map, Value};

/// Deeper values are refused. What the protocol knows is far shallower.
const DEEPEST: usize = 127;

/// One past the largest integer of the protocol.
const TOO_MUCH: u64 = 1 << 53;

/// The value that the bytes spell, and nothing else; `None` where they are not JSON, repeat a field, hold
/// half of a surrogate pair or a number that no double holds.
///
/// A number that is no integer from 0 to 2^53-1, or that is spelled otherwise, becomes -1, which no
/// field takes.
pub fn parse(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let value = reader.value()?;
    reader.skip_space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, token: &str) -> Option<()> {
        let found = self.text.as_bytes()[self.at..].starts_with(token.as_bytes());
        self.at += if found { token.len() } else { 0 };
        found.then_some(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether this punctuation comes next; if so, it is behind us.
    fn next_is(&mut self, token: &str) -> bool {
        self.skip_space();
        self.take(token).is_some()
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_space();
        match self.peek()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => self.string().map(Value::String),
            b't' => self.take("true").map(|()| Value::Bool(true)),
            b'f' => self.take("false").map(|()| Value::Bool(false)),
            b'n' => self.take("null").map(|()| Value::Null),
            _ => self.number(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Some(value)
    }

    fn object(&mut self) -> Option<Value> {
        let mut fields = Map::new();
        if self.next_is("}") {
            return Some(Value::Object(fields));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            if !self.next_is(":") {
                return None;
            }
            let value = self.value()?;
            if fields.insert(name, value).is_some() {
                return None;
            }
            if self.next_is("}") {
                return Some(Value::Object(fields));
            }
            if !self.next_is(",") {
                return None;
            }
        }
    }

    fn array(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        if self.next_is("]") {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.next_is("]") {
                return Some(Value::Array(items));
            }
            if !self.next_is(",") {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut read = String::new();
        loop {
            let next = self.text[self.at..].chars().next()?;
            self.at += next.len_utf8();
            match next {
                '"' => return Some(read),
                '\\' => read.push(self.escaped()?),
                control if control < ' ' => return None,
                plain => read.push(plain),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.four_digits()?;
                if !(0xd800..0xe000).contains(&first) {
                    return char::from_u32(first);
                }
                // The first half of a pair stands before the second one, which stands nowhere else.
                self.take("\\u")?;
                let second = self.four_digits()?;
                if first >= 0xdc00 || !(0xdc00..0xe000).contains(&second) {
                    return None;
                }
                return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all)
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    fn number(&mut self) -> Option<Value> {
        let from = self.at;
        let _ = self.take("-");
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.at;
        self.digits()?;
        if leading_zero && self.at > whole + 1 {
            return None;
        }
        if self.take(".").is_some() {
            self.digits()?;
        }
        if self.take("e").or_else(|| self.take("E")).is_some() {
            let _ = self.take("+").or_else(|| self.take("-"));
            self.digits()?;
        }
        let text = &self.text[from..self.at];
        // No reader that takes numbers for doubles could hold it.
        if text.parse::<f64>().ok()?.is_infinite() {
            return None;
        }
        let integer = text.parse::<u64>().ok();
        let integer = integer.filter(|integer| *integer < TOO_MUCH);
        Some(integer.map_or(Value::from(-1), Value::from))
    }
}

/// RFC 8785 of a value whose numbers are integers.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<u16>>());
            text.push('{');
            for (place, (name, value)) in fields.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_string(name, text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                text.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            plain => text.push(plain),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_refused() {
        let long = format!("{}1{}", "[".repeat(128), "]".repeat(128));
        for text in [
            "",
            "{",
            "{}{}",
            "\u{feff}{}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":{\"b\":1,\"\\u0062\":2}}",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\"\\ud800x\"",
            "\"\n\"",
            "01",
            "1.",
            "+1",
            "1e999",
            "-1e400",
            "-",
            "nul",
            "[1,]",
            "{,}",
            "\"\\x\"",
            "\"\\u+123\"",
            &long,
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"\"\xff\""), None);
    }

    #[test]
    fn numbers_that_no_field_takes_are_told_apart() {
        for text in ["-0", "1e0", "1.0", "9007199254740992", "1e308", "-1"] {
            assert_eq!(parse(text.as_bytes()), Some(Value::from(-1)), "{text}");
        }
        let largest = TOO_MUCH - 1;
        let read = parse(largest.to_string().as_bytes());
        assert_eq!(read, Some(Value::from(largest)));
    }

    #[test]
    fn the_canonical_form_is_sorted_and_escapes_little() {
        let text = " { \"\u{e000}\":1, \"\\ud83d\\ude00\" : [ true , null ], \"a\\/\\u001F\":\"\\u20ac\\u007f\" } ";
        let read = parse(text.as_bytes()).unwrap();
        let canonical = canonical(&read);
        // A surrogate's first half is less than U+E000.
        let expected = "{\"a/\\u001f\":\"€\u{7f}\",\"😀\":[true,null],\"\u{e000}\":1}";
        assert_eq!(canonical, expected);
    }
}
