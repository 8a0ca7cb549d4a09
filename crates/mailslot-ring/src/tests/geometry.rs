use crate::geometry::{Geometry, HEADER_BYTES, MAX_QUOTA};
use crate::item::{Head, MAX_RECORD, footprint};

#[test]
fn levels_grow_until_the_last_two_hold_the_quota() {
    let geometry = Geometry::for_quota(1 << 20);
    assert_eq!(geometry.parts(), (18, 2, 4));
    let capacities: Vec<u64> = (0..4).map(|level| geometry.capacity(level)).collect();
    assert_eq!(capacities, [262_144, 1_048_576, 4_194_304, 4_194_304]);
    let starts: Vec<u64> = (0..5).map(|level| geometry.start(level)).collect();
    let huge_page = 2_097_152;
    let header = 65_536;
    assert_eq!(
        starts,
        [0, 262_144, huge_page - header, 3 * huge_page - header, 5 * huge_page - header]
    );
    assert_eq!(geometry.file_len(), 5 * huge_page);
    assert_eq!(HEADER_BYTES as u64, header);
}

#[test]
fn a_small_quota_takes_two_small_levels() {
    for quota in [0, 1, 4096, 64 * 1024] {
        assert_eq!(Geometry::for_quota(quota).parts(), (18, 2, 2));
    }
    assert_eq!(Geometry::for_quota(1).max_quota(), (262_144 - 1 - 8 * 16) / 2);
    assert_eq!(Geometry::for_quota(131_007).parts(), (18, 2, 2));
    assert_eq!(Geometry::for_quota(131_008).parts(), (18, 2, 3));
}

#[test]
fn every_quota_fits_its_geometry() {
    for shift in 0..=36 {
        for quota in [(1 << shift) - 1, 1u64 << shift, (1 << shift) + 1] {
            let geometry = Geometry::for_quota(quota);
            assert!(geometry.max_quota() >= quota.min(MAX_QUOTA), "{quota}");
            let (base, growth, levels) = geometry.parts();
            assert_eq!(Geometry::new(base, growth, levels), Some(geometry), "{quota}");
        }
    }
    assert_eq!(Geometry::for_quota(u64::MAX), Geometry::for_quota(MAX_QUOTA));
    assert_eq!(Geometry::for_quota(MAX_QUOTA).parts(), (18, 2, 12));
}

#[test]
fn only_geometries_that_can_be_laid_out_are_taken() {
    assert!(Geometry::new(6, 1, 2).is_some());
    assert!(Geometry::new(24, 1, 16).is_some());
    for (base, growth, levels) in
        [(5, 1, 2), (25, 1, 2), (6, 0, 2), (6, 7, 2), (6, 1, 0), (6, 1, 1), (6, 1, 17), (24, 6, 5)]
    {
        assert_eq!(Geometry::new(base, growth, levels), None, "{base} {growth} {levels}");
    }
    for levels in 0..=255 {
        let _ = Geometry::new(255, 255, levels);
    }
}

#[test]
fn large_levels_are_given_back_in_blocks() {
    let geometry = Geometry::for_quota(64 << 20);
    let blocks: Vec<u64> = (0..geometry.levels()).map(|level| geometry.block(level)).collect();
    assert_eq!(blocks, [1, 1, 262_144, 1_048_576, 2_097_152, 2_097_152, 2_097_152]);
}

#[test]
fn small_levels_keep_their_memory() {
    let geometry = Geometry::for_quota(384 << 10);
    let levels = (0..geometry.levels()).map(|level| (geometry.capacity(level), level));
    let levels: Vec<_> = levels.map(|(bytes, level)| (bytes, geometry.block(level))).collect();
    assert_eq!(levels, [(262_144, 1), (1_048_576, 1), (1_048_576, 1)]);
}

#[test]
fn records_take_a_head_and_whole_words_of_16() {
    assert_eq!([0, 1, 16, 17, 424].map(footprint), [16, 32, 32, 48, 448]);
    assert_eq!(footprint(MAX_RECORD), 4_294_963_216);
    assert!(footprint(u64::MAX) > MAX_RECORD);
}

#[test]
fn item_heads_are_encoded_as_kind_and_value() {
    let heads = [
        (Head::Record(424), 0x4d53_0001_0000_01a8),
        (Head::Pad, 0x4d53_0002_0000_0000),
        (Head::Jump(3), 0x4d53_0003_0000_0003),
    ];
    for (head, word) in heads {
        assert_eq!(head.encode(), word);
        assert_eq!(Head::decode(word), Some(head));
    }
    for word in [0, 1, 0x4d53_0000_0000_0000, 0x4d53_0004_0000_0000, u64::MAX] {
        assert_eq!(Head::decode(word), None);
    }
}
