use mailslot::*;
use std::time::Duration;
fn dir() -> std::path::PathBuf {
    let d = std::env::temp_dir().join(format!("ms-basic-{}", std::process::id()));
    std::fs::create_dir_all(&d).unwrap();
    unsafe { std::env::set_var("MAILSLOT_DIR", &d) };
    d
}
#[test]
fn basics() {
    let _d = dir();
    let slot = Mailslot::create(r"\\.\mailslot\Taxes\sue").unwrap();
    assert!(matches!(
        Mailslot::create(r"\\.\MAILSLOT\taxes/SUE"),
        Err(CreateError::AlreadyExists { .. })
    ));
    let mut w = MailslotWriter::open(r"\\.\mailslot\taxes\sue").unwrap();
    w.write(b"one").unwrap();
    w.write(b"two").unwrap();
    w.write(b"").unwrap();
    let mut w2 = w.clone();
    w2.write(b"four").unwrap();
    println!("{:?}", slot.info().unwrap());
    let mut b = [0; 2];
    assert!(matches!(slot.read(&mut b), Err(ReadError::BufferTooSmall { needed: 3, .. })));
    for want in [&b"one"[..], b"two", b"", b"four"] {
        let r = slot.receive().unwrap();
        assert_eq!(r.bytes(), want);
        assert_eq!(r.sender().pid, std::process::id());
    }
    assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
    assert!(matches!(
        slot.receive_timeout(Some(Duration::from_millis(20))),
        Err(ReadError::TimedOut { .. })
    ));
    let t = std::thread::spawn(move || {
        for i in 0..1000000u64 {
            w.write_timeout(&i.to_le_bytes(), Duration::from_secs(5)).unwrap();
        }
        w
    });
    let st = std::time::Instant::now();
    let mut b = [0; 8];
    for i in 0..1000000u64 {
        assert_eq!(slot.read(&mut b).unwrap(), 8);
        assert_eq!(u64::from_le_bytes(b), i);
    }
    println!("{:?}", st.elapsed());
    let mut w = t.join().unwrap();
    drop(slot);
    assert!(matches!(w.write_timeout(b"x", Duration::ZERO), Err(WriteError::SlotGone(_))));
    assert!(matches!(w.write(b"x"), Err(WriteError::Open(OpenError::NoSuchSlot(_)))));
    assert!(std::fs::read_dir(&_d).unwrap().next().is_none());
    let s = Mailslot::options().inheritable(true).create(r"\\.\mailslot\Taxes\sue").unwrap();
    w.write(b"one").unwrap();
    w.write(b"two").unwrap();
    let s2 = Mailslot::from_fd(s.to_fd().unwrap()).unwrap();
    w.write(b"three").unwrap();
    assert!(matches!(w2.write(b"x"), Err(WriteError::SlotGone(_))));
    w2.write(b"four").unwrap();
    println!("{:?}", s2.info().unwrap());
    assert_eq!(s2.receive().unwrap().bytes(), b"one");
    assert_eq!(s.receive().unwrap().bytes(), b"two");
    drop(s);
    assert_eq!(s2.receive().unwrap().bytes(), b"three");
    assert_eq!(s2.receive().unwrap().bytes(), b"four");
    let t = std::thread::spawn(move || {
        for i in 0..1000u64 {
            w.write_timeout(&i.to_le_bytes(), Duration::from_secs(5)).unwrap();
            std::thread::sleep(Duration::from_micros(100))
        }
        w
    });
    for i in 0..1000u64 {
        assert_eq!(s2.receive().unwrap().bytes(), i.to_le_bytes());
    }
    t.join().unwrap();
    drop(s2);
    assert!(std::fs::read_dir(&_d).unwrap().next().is_none());
}
