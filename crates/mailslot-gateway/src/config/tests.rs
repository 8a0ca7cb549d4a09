use super::*;

#[test]
fn everything_has_a_default() {
    let config = Config::parse("").unwrap();
    assert_eq!(config, Config::default());
    let network = config.network_of("WORKGROUP");
    assert_eq!((network.multicast, &network.interface[..]), (true, "auto"));
    assert_eq!(network.listen[0].to_string(), "[::]:0");
    assert_eq!(network.direct, Direct::Port(0));
    let none = tempfile::tempdir().unwrap();
    assert_eq!(Config::read(none.path()).unwrap(), config);
}

#[test]
fn a_domain_may_differ() {
    let text = r#"
        primary = "Lab"
        metrics = "127.0.0.1:9400"
        [network]
        interface = "eth0"
        peers = ["192.0.2.7:7450", "joe.example:7450", "[2001:db8::7]:1"]
        [domain.Lab]
        multicast = false
        routers = ["router.example:7447"]
    "#;
    let config = Config::parse(text).unwrap();
    assert_eq!(config.metrics, Some(Metrics::Loopback("127.0.0.1:9400".parse().unwrap())));
    let lab = config.network_of("LAB");
    assert_eq!((lab.multicast, &lab.interface[..], lab.peers.len()), (false, "eth0", 3));
    assert_eq!(lab.routers[0].to_string(), "router.example:7447");
    assert!(config.network_of("WORKGROUP").routers.is_empty());
    let unix = Config::parse("metrics = 'unix:/run/m.sock'").unwrap();
    assert_eq!(unix.metrics, Some(Metrics::Unix("/run/m.sock".into())));
}

#[test]
fn direct_connections_have_a_port_or_none() {
    for (text, direct) in
        [("true", Direct::Port(0)), ("7451", Direct::Port(7451)), ("false", Direct::Off)]
    {
        let config = Config::parse(&format!("[domain.Lab]\ndirect = {text}")).unwrap();
        assert_eq!(config.network_of("lab").direct, direct);
        assert_eq!(config.network_of("other").direct, Direct::Port(0));
    }
}

#[test]
fn hosts_are_known_without_their_ports() {
    for (text, host) in
        [("[::]:0", "::"), ("192.0.2.7:1", "192.0.2.7"), ("joe.example:1", "joe.example")]
    {
        assert_eq!(Address::try_from(text.to_owned()).unwrap().parts().0, host);
    }
}

#[test]
fn on_lo_all_addresses_are_this_machine() {
    for (interface, host) in [("lo", "127.0.0.1"), ("auto", "::")] {
        let text = format!(
            "[network]\ninterface = '{interface}'\nlisten = ['[::]:7450', '[2001:db8::7]:0']"
        );
        let network = Config::parse(&text).unwrap().network;
        let listens: Vec<_> = network.listens().collect();
        assert_eq!(listens, [(host, "7450"), ("2001:db8::7", "0")]);
    }
}

#[test]
fn errors_name_the_line() {
    for (text, line, what) in [
        ("\n[network]\nlisen = []", 3, "lisen"),
        ("[netwrok]", 1, "netwrok"),
        ("[domain.Lab]\n\nfoo = 1", 3, "foo"),
        ("metrics = '0.0.0.0:9400'", 1, "other computers"),
        ("metrics = 'unix:m.sock'", 1, "begin with /"),
        ("metrics = 'nowhere'", 1, "unix:/PATH"),
        ("[network]\npeers = ['joe']", 2, "no port"),
        ("[network]\npeers = ['joe:99999']", 2, "65535"),
        ("[network]\npeers = ['::1:9']", 2, "brackets"),
        ("[network]\npeers = ['tls/joe:9']", 2, "host"),
        ("[network]\nmulticast = 'yes'", 2, "boolean"),
        ("[network]\ndirect = 'yes'", 2, "up to 65535"),
        ("[network]\ndirect = 65536", 2, "up to 65535"),
        ("[network", 1, ""),
    ] {
        let error = Config::parse(text).unwrap_err();
        assert!(error.starts_with(&format!("line {line}: ")), "{text:?}: {error}");
        assert!(error.contains(what) && !error.contains('\n'), "{text:?}: {error}");
    }
    assert!(Config::parse("primary = 'a.b'").unwrap_err().contains("a.b"));
    assert!(Config::parse("[domain.Lab]\n[domain.LAB]").unwrap_err().contains("two sections"));
    for nowhere in ["peers = ['joe:0']", "routers = ['joe:00']", "interface = ' '"] {
        Config::parse(&format!("[network]\n{nowhere}")).unwrap_err();
        Config::parse(&format!("[domain.Lab]\n{nowhere}")).unwrap_err();
    }
}

#[test]
fn two_domains_do_not_listen_in_one_place() {
    let fixed = "[network]\nlisten = ['[::]:7450']\n";
    let both = ["Office", "Lab"];
    let error = Config::parse(fixed).unwrap().check(&both).unwrap_err();
    assert!(error.contains("Office and Lab") && error.contains("[::]:7450"), "{error}");
    assert_eq!(Config::parse(fixed).unwrap().check(&both[..1]), Ok(()));
    for other in ["listen = ['[::]:7451']", "listen = ['[::]:0']", "routers = ['r:7447']"] {
        let config = Config::parse(&format!("{fixed}[domain.lab]\n{other}")).unwrap();
        assert_eq!(config.check(&both), Ok(()), "{other}");
    }
    assert_eq!(Config::default().check(&both), Ok(()));
}
