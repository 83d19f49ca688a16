//! Certificates for one test.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// Generates an authority, a certificate for 127.0.0.1 and its key, in PEM.
pub(crate) fn generate_certificates() -> (String, String, String) {
    let authority_key = KeyPair::generate().expect("a key can be generated");
    let mut authority = CertificateParams::new(Vec::new()).expect("no names are valid");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).expect("a key signs itself");
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key can be generated");
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).expect("the names are valid").signed_by(&key, &issuer);
    (authority_certificate.pem(), certificate.expect("the authority signs").pem(), key.serialize_pem())
}
