//! The asynchronous handles: waiting, cancelling, and waiting for room.

#![cfg(feature = "tokio")]

use std::time::Duration;

use mailslot::{AsyncMailslot, AsyncMailslotWriter, Mailslot, MailslotOptions, MailslotWriter};
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine; only failures wait for it.
const BOUND: Duration = Duration::from_secs(60);

fn name(test: &str) -> String {
    format!(r"\\.\mailslot\tokio-{}-{test}", std::process::id())
}

fn slot(test: &str, options: &MailslotOptions) -> (AsyncMailslot, MailslotWriter) {
    let slot = options.create(name(test).as_str()).unwrap();
    let writer = MailslotWriter::open(name(test).as_str()).unwrap();
    (AsyncMailslot::new(slot).unwrap(), writer)
}

#[tokio::test]
async fn a_read_waits_for_a_record() {
    let (slot, mut writer) = slot("waits", &Mailslot::options());
    let reading = tokio::spawn(async move {
        let mut found = Vec::new();
        for _ in 0..3 {
            found.push(slot.receive().await.unwrap().into_bytes());
        }
        found
    });
    for record in [&b"one"[..], b"", b"three"] {
        tokio::task::yield_now().await;
        writer.write(record).unwrap();
    }
    let found = timeout(BOUND, reading).await.unwrap().unwrap();
    assert_eq!(found, [&b"one"[..], b"", b"three"]);
}

#[tokio::test]
async fn a_cancelled_read_takes_nothing() {
    let (slot, mut writer) = slot("cancelled", &Mailslot::options());
    let mut buf = [0; 8];
    for number in 0..200u64 {
        // Sometimes ready at once, sometimes not, always dropped or done.
        let early = number % 3 == 0;
        if early {
            writer.write(&number.to_le_bytes()).unwrap();
        }
        let first = timeout(Duration::ZERO, slot.read(&mut buf)).await;
        if !early {
            assert!(first.is_err(), "nothing was written yet");
            writer.write(&number.to_le_bytes()).unwrap();
        }
        if first.is_err() {
            let len = timeout(BOUND, slot.read(&mut buf)).await.unwrap().unwrap();
            assert_eq!(len, 8);
        }
        assert_eq!(u64::from_le_bytes(buf), number);
    }
    assert_eq!(slot.info().unwrap().waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_waits_for_room() {
    const RECORDS: u64 = 20_000;
    let (slot, writer) = slot("room", Mailslot::options().quota(4096));
    let mut writer = AsyncMailslotWriter::new(writer);
    let writing = tokio::spawn(async move {
        for number in 0..RECORDS {
            writer.write(&number.to_le_bytes()).await.unwrap();
        }
    });
    let mut buf = [0; 8];
    for number in 0..RECORDS {
        timeout(BOUND, slot.read(&mut buf)).await.unwrap().unwrap();
        assert_eq!(u64::from_le_bytes(buf), number);
    }
    timeout(BOUND, writing).await.unwrap().unwrap();
}

#[tokio::test]
async fn each_task_has_a_writer_of_its_own() {
    let (slot, writer) = slot("clones", &Mailslot::options());
    let writer = AsyncMailslotWriter::new(writer);
    let tasks: Vec<_> = (0..4)
        .map(|number| {
            let mut writer = writer.clone();
            tokio::spawn(async move { writer.write(&[number; 3]).await })
        })
        .collect();
    for task in tasks {
        timeout(BOUND, task).await.unwrap().unwrap().unwrap();
    }
    let first = slot.get_ref().peek().unwrap();
    let mut found = Vec::new();
    for _ in 0..4 {
        found.push(timeout(BOUND, slot.receive()).await.unwrap().unwrap().into_bytes());
    }
    assert_eq!(first.bytes(), found[0]);
    found.sort();
    assert_eq!(found, [[0; 3], [1; 3], [2; 3], [3; 3]]);
}

#[tokio::test]
async fn a_cancelled_write_queues_nothing() {
    let (slot, writer) = slot("nothing", Mailslot::options().quota(64));
    let mut writer = AsyncMailslotWriter::new(writer);
    writer.write(b"inline").await.unwrap();
    writer.write(&[1; 64]).await.unwrap();
    assert!(timeout(Duration::from_millis(5), writer.write(&[2; 64])).await.is_err());
    assert!(writer.try_write(&[3; 64]).is_err());
    assert_eq!(slot.receive().await.unwrap().bytes(), b"inline");
    assert_eq!(slot.receive().await.unwrap().bytes(), [1; 64]);
    timeout(BOUND, writer.write(b"after")).await.unwrap().unwrap();
    assert_eq!(slot.receive().await.unwrap().bytes(), b"after");
    assert_eq!(slot.info().unwrap().waiting, 0);
}

#[tokio::test]
async fn a_waiting_write_sees_its_reader_go() {
    let (slot, writer) = slot("gone", Mailslot::options().quota(64));
    let mut writer = AsyncMailslotWriter::new(writer);
    writer.write(b"inline").await.unwrap();
    writer.write(&[1; 64]).await.unwrap();
    let waiting = tokio::spawn(async move { writer.write(&[2; 64]).await });
    tokio::task::yield_now().await;
    drop(slot);
    let error = timeout(BOUND, waiting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, mailslot::WriteError::SlotGone(_)), "{error}");
}
