use super::Nap;

const MICROSECOND: u64 = 1000;

fn nap(written: Option<u64>, to: u64) -> Nap {
    let mut nap = Nap::new(1000 * MICROSECOND, (1000 + to) * MICROSECOND);
    if let Some(at) = written {
        nap.ended_by((1000 + at) * MICROSECOND);
    }
    nap
}

#[test]
fn a_nap_is_short_if_being_woken_took_long() {
    assert!(nap(Some(20), 45).is_short());
    assert!(nap(Some(49), 75).is_short());
    assert!(!nap(Some(60), 85).is_short());
    assert!(!nap(Some(5000), 5025).is_short());
}

#[test]
fn a_nap_is_short_if_it_hardly_was_one() {
    assert!(nap(Some(8), 9).is_short());
    assert!(nap(None, 9).is_short());
    assert!(!nap(None, 11).is_short());
}

#[test]
fn stamps_that_cannot_be_true_do_no_harm() {
    let later = nap(Some(400), 30);
    assert_eq!((later.waking(), later.is_short()), (None, false));
    let mut earlier = Nap::new(1000 * MICROSECOND, 2000 * MICROSECOND);
    earlier.ended_by(0);
    assert_eq!(earlier.waking(), Some(2000 * MICROSECOND));
}

#[test]
fn only_the_first_record_counts() {
    let mut nap = nap(Some(20), 45);
    nap.ended_by(0);
    assert_eq!(nap.waking(), Some(25 * MICROSECOND));
}
