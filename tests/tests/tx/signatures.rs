//! Signatures that some verifiers take and others don't: a chain whose validators disagree on one of
//! them forks, so all of these are refused.

use ait_app::crypto::{PublicKey, Signature};
use ait_testkit::{
    actors::{alice, bob},
    chain::{Chain, code_name},
    draft::canonical,
};
use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
    edwards::CompressedEdwardsY,
    traits::IsIdentity,
};
use ed25519_dalek::{Verifier, VerifyingKey};
use sha2::{Digest, Sha512};

/// The order of the base point, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn challenge(r: &[u8; 32], key: &PublicKey, digest: &[u8; 32]) -> Scalar {
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(key.as_bytes())
        .chain_update(digest)
        .finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// Alice's secret scalar (RFC 8032).
fn secret_scalar() -> Scalar {
    let hash = Sha512::digest(alice().key.seed());
    let mut bytes: [u8; 32] = hash[..32].try_into().unwrap();
    bytes[0] &= 248;
    bytes[31] &= 127;
    bytes[31] |= 64;
    Scalar::from_bytes_mod_order(bytes)
}

/// A signature of Alice's whose commitment has this torsion added.
fn twisted(digest: &[u8; 32], torsion: EdwardsPoint) -> Signature {
    let nonce = Scalar::from(123_456_789_u64);
    let r = (ED25519_BASEPOINT_POINT * nonce + torsion)
        .compress()
        .to_bytes();
    let s = nonce + challenge(&r, &alice().pubkey(), digest) * secret_scalar();
    let bytes = [r, s.to_bytes()].concat();
    Signature::from_bytes(bytes.try_into().unwrap())
}

/// What a batch verifies: the equation times the cofactor.
fn batch_accepts(digest: &[u8; 32], signature: &Signature) -> bool {
    let (r, s) = signature.as_bytes().split_at(32);
    let (r, s): ([u8; 32], [u8; 32]) = (r.try_into().unwrap(), s.try_into().unwrap());
    let key = alice().pubkey();
    let point = |bytes: [u8; 32]| CompressedEdwardsY(bytes).decompress().unwrap();
    let k = challenge(&r, &key, digest);
    let s = Scalar::from_bytes_mod_order(s);
    let rest = ED25519_BASEPOINT_POINT * s - point(*key.as_bytes()) * k - point(r);
    rest.mul_by_cofactor().is_identity()
}

#[test]
fn a_signature_that_only_a_batch_equation_accepts_is_refused() {
    let digest = [7; 32];
    let honest = twisted(&digest, EIGHT_TORSION[0]);
    assert!(batch_accepts(&digest, &honest));
    assert!(
        alice().pubkey().verifies(&digest, &honest),
        "no torsion is an honest signature"
    );
    for torsion in &EIGHT_TORSION[1..] {
        let crafted = twisted(&digest, *torsion);
        assert!(batch_accepts(&digest, &crafted));
        assert!(!alice().pubkey().verifies(&digest, &crafted));
    }
}

#[test]
fn a_commitment_of_small_order_is_refused() {
    let digest = [9; 32];
    for torsion in EIGHT_TORSION {
        let r = torsion.compress().to_bytes();
        let s = challenge(&r, &alice().pubkey(), &digest) * secret_scalar();
        let bytes = [r, s.to_bytes()].concat();
        let crafted = Signature::from_bytes(bytes.try_into().unwrap());
        assert!(!alice().pubkey().verifies(&digest, &crafted));
    }
}

/// A signature by the equation itself, of a key that has a torsion, whose commitment is nothing but one.
fn of_torsions(
    key_torsion: EdwardsPoint,
    r: EdwardsPoint,
    digest: &[u8; 32],
) -> (PublicKey, Signature) {
    let key = (ED25519_BASEPOINT_POINT * secret_scalar() + key_torsion).compress();
    let (key, r) = (
        PublicKey::from_bytes(key.to_bytes()).unwrap(),
        r.compress().to_bytes(),
    );
    let s = challenge(&r, &key, digest) * secret_scalar();
    let bytes = [r, s.to_bytes()].concat();
    (key, Signature::from_bytes(bytes.try_into().unwrap()))
}

#[test]
fn what_holds_is_what_verify_strict_accepts() {
    let (mut only_plain, mut strict) = (0, 0);
    for number in 0..32 {
        let digest = [number; 32];
        let mut cases: Vec<(PublicKey, Signature)> = EIGHT_TORSION
            .iter()
            .flat_map(|key| EIGHT_TORSION.map(|r| of_torsions(*key, r, &digest)))
            .collect();
        cases.push((alice().pubkey(), alice().key.sign(&digest)));
        cases.push((bob().pubkey(), alice().key.sign(&digest)));
        cases.extend(EIGHT_TORSION.map(|torsion| (alice().pubkey(), twisted(&digest, torsion))));
        for (key, signature) in cases {
            let reference = VerifyingKey::from_bytes(key.as_bytes()).unwrap();
            let given = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
            let is_strict = reference.verify_strict(&digest, &given).is_ok();
            assert_eq!(key.verifies(&digest, &signature), is_strict);
            strict += u32::from(is_strict);
            only_plain += u32::from(!is_strict && reference.verify(&digest, &given).is_ok());
        }
    }
    assert!(strict >= 64, "honest ones are among them");
    assert!(
        only_plain >= 64,
        "those that the plain verification takes are among them"
    );
}

#[test]
fn a_signature_cannot_be_changed_into_another_that_holds() {
    let chain = Chain::start();
    let tx = chain.transfer(&alice(), &bob(), 1).json();
    let mut sig = hex::decode(tx["sig"].as_str().unwrap()).unwrap();
    // s + order of the group: the same equation, other bytes, so another transaction hash.
    let order = hex::decode(ORDER).unwrap();
    let mut carry = 0;
    for (byte, add) in sig[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let mut changed = tx.clone();
    changed["sig"] = hex::encode(sig).into();
    let refusal = chain.reject([canonical(&changed)]);
    assert_eq!(refusal.code.name(), "invalid_signature");
    assert_eq!(
        code_name(chain.clone().commit([canonical(&tx)]).codes()[0]),
        ""
    );
}
