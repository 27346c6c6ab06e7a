//! Key files and keys in other forms.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{comet, genesis::parse_power};

const SEED: &str = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
const ADDRESS: &str = "ait1rsxyjrcm255ds9euthjx6yc3vrjt9sxr7lv9kh";

#[test]
fn a_key_file_gives_back_its_key_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/alice.json");
    write(&path, &parse_seed(SEED).unwrap()).unwrap();
    let key = read(&path).unwrap();
    assert_eq!(PublicParts::of(&key).address.to_string(), ADDRESS);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(json["seed"], SEED);
    assert_eq!(json["address"], ADDRESS);
}

#[test]
fn a_key_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    write(&path, &parse_seed(SEED).unwrap()).unwrap();
    let error = write(&path, &random().unwrap()).unwrap_err();
    assert!(error.to_string().contains("never overwritten"), "{error}");
    assert_eq!(
        PublicParts::of(&read(&path).unwrap()).address.to_string(),
        ADDRESS
    );
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file stays");
}

#[test]
fn a_key_file_that_was_tampered_with_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    write(&path, &parse_seed(SEED).unwrap()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [("2bd8", "2bd9"), ("\"seed\"", "\"sead\""), ("}", "")] {
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        assert!(read(&path).is_err(), "{from} -> {to}");
    }
}

#[test]
fn an_authority_is_proven_by_its_own_key_for_one_chain_and_account() {
    let (key, other) = (parse_seed(SEED).unwrap(), SecretKey::from_seed([9; 32]));
    let chain_id: ChainId = "ait-devnet".parse().unwrap();
    let address = Address::of(&other.public_key());
    let power = parse_power("10").unwrap();
    let authority = authority(&chain_id, &key, address, power);
    let proof = authority.proof.unwrap();
    let signed = possession_bytes(&chain_id, &address, &authority.pubkey);
    assert!(key.public_key().verifies(&signed, &proof));
    let json = serde_json::to_value(&authority).unwrap();
    let mut names: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["address", "power", "proof", "pubkey"]);
}

#[test]
fn seeds_keep_to_their_form() {
    for bad in ["", "2bd8", &SEED.to_uppercase(), &format!("{SEED}00")] {
        assert!(parse_seed(bad).is_err(), "{bad}");
        assert!(secret(bad).is_err(), "{bad}");
    }
}

/// The key of RFC 8410's example, as OpenSSL writes it; and its seed.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";
const PEM_SEED: &str = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
/// The same with its public key in it (RFC 8410 section 10.3).
const PEM_WITH_PUBLIC: &str = "-----BEGIN PRIVATE KEY-----\n\
    MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
    Z9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PRIVATE KEY-----\n";

fn secret_file(folder: &Path, text: &str) -> String {
    let path = folder.join("a key.file");
    let _ = std::fs::remove_file(&path);
    files::write_new(&path, text.as_bytes(), files::SECRET).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_key_is_taken_in_each_of_its_forms() {
    let folder = tempfile::tempdir().unwrap();
    let seed = parse_seed(PEM_SEED).unwrap();
    let ours = folder.path().join("ours.json");
    write(&ours, &seed).unwrap();
    let ours = std::fs::read_to_string(&ours).unwrap();
    let comet = comet::keys::validator_key_json(&seed).to_string();
    for text in [PEM_SEED, PEM, PEM_WITH_PUBLIC, &ours, &comet] {
        let path = secret_file(folder.path(), text);
        assert_eq!(secret(&path).unwrap().seed(), seed.seed(), "{text}");
    }
    assert_eq!(secret(PEM_SEED).unwrap().seed(), seed.seed());
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = secret_file(folder.path(), PEM_SEED);
    for mode in [0o644, 0o640, 0o604, 0o620, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = secret(&path).map(|_| ()).unwrap_err();
        assert!(error.contains(&format!("chmod 600 '{path}'")), "{error}");
        assert!(error.contains(&format!("mode {mode:04o}")), "{error}");
        assert!(open(Path::new(&path)).is_err());
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(secret(&path).is_ok());
    }
}

#[test]
fn what_is_no_key_is_refused_by_what_it_is_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let seed = parse_seed(PEM_SEED).unwrap();
    let mut mixed = comet::keys::validator_key_json(&seed);
    mixed["pub_key"] = comet::keys::validator_key_json(&random().unwrap())["pub_key"].clone();
    let mixed = mixed.to_string();
    let other_public = PEM_WITH_PUBLIC.replace("Gb9E", "Gb9F");
    let encrypted = PEM.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let rsa = PEM.replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vx");
    let long = "x".repeat(5_000);
    for (text, says) in [
        ("", "is empty"),
        (mixed.as_str(), "contradicts itself"),
        (other_public.as_str(), "contradicts itself"),
        (encrypted.as_str(), "decrypt it first"),
        (rsa.as_str(), "ed25519 keys alone"),
        ("{\"seed\": 1}", "no key file"),
        ("hello", "holds no secret key"),
        (long.as_str(), "more than 4096 bytes"),
    ] {
        let path = secret_file(folder.path(), text);
        let error = secret(&path).map(|_| ()).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!error.contains("72dbf9"), "{error}");
    }
    let mistyped = PEM_SEED.to_uppercase();
    for (given, says) in [
        ("", "is empty"),
        (mistyped.as_str(), "64 lower-case hex"),
        ("/nowhere/key.json", "/nowhere/key.json"),
        ("/", "cannot read"),
    ] {
        let error = secret(given).map(|_| ()).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!error.contains(&mistyped), "{error}");
    }
}

#[tokio::test]
async fn whoever_sends_with_a_key_waits_for_who_sends_with_it_already() {
    use std::time::Duration;
    let folder = tempfile::tempdir().unwrap();
    let path = secret_file(folder.path(), PEM_SEED);
    // The same file by another name is the same key.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (one, other) = (
        account(&path).unwrap(),
        account(link.to_str().unwrap()).unwrap(),
    );
    let turn = one.lock.turn(Duration::ZERO).await.unwrap();
    let refused = other.lock.turn(Duration::from_millis(50)).await.map(|_| ());
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("another command"), "{message}");
    let (next, ()) = tokio::join!(other.lock.turn(Duration::from_secs(10)), async {
        drop(turn);
    });
    drop(next.unwrap());
    // So is a copy of the file, and the seed alone.
    let copy = folder.path().join("copy");
    std::fs::copy(&path, &copy).unwrap();
    let held = one.lock.turn(Duration::ZERO).await.unwrap();
    for same in [copy.to_str().unwrap(), PEM_SEED] {
        let other = account(same).unwrap();
        assert!(other.lock.turn(Duration::ZERO).await.is_err(), "{same}");
    }
    drop(held);
    let seed = account(PEM_SEED).unwrap();
    assert_eq!(
        seed.beside("x"),
        Path::new(&format!("{}.x", seed.address()))
    );
    assert_eq!(one.beside("x"), folder.path().join("a key.x"));
}
