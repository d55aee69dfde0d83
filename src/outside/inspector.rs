//! Where a Node process spends its time, by the profile that its own inspector takes.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod opening;
#[cfg(target_os = "linux")]
mod profile;
#[cfg(all(test, target_os = "linux"))]
mod reality;
#[cfg(target_os = "linux")]
mod session;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Inspector, Profile};
#[cfg(target_os = "linux")]
pub(crate) use node::Inspector;
#[cfg(target_os = "linux")]
pub(crate) use profile::Profile;

#[cfg(target_os = "linux")]
mod node {
    use super::opening::{self, Opened};
    use super::profile::{Clock, Profile};
    use super::session::Session;
    use serde_json::{Value, json};
    use std::time::{Duration, Instant};

    /// How far two samples are apart, in microseconds.
    const INTERVAL_US: u32 = 5_000;
    /// How long an answer may take at the start: a loop that stands answers late, if it stands in
    /// code that is not JavaScript.
    const TO_START: Duration = Duration::from_secs(5);
    /// The same at the end, where a long profile has to come as well.
    const TO_STOP: Duration = Duration::from_secs(20);

    /// A Node process that is being profiled.
    pub(crate) struct Inspector {
        pid: u32,
        session: Session,
        clock: Clock,
        /// Whether it was us who opened the inspector.
        is_ours: bool,
    }

    impl Inspector {
        /// Opens the inspector of a Node process, by SIGUSR1 unless it is open, and starts a
        /// profile. It sends no signal to a program that is not Node or has no handler for it.
        /// Takes a tenth of a second as a rule and some seconds at most. The error says what is in
        /// the way and what to do.
        pub(crate) fn start(pid: u32) -> Result<Self, String> {
            let Opened { address, url, is_ours } = opening::open(pid)?;
            let mut session = Session::connect(address, &url, TO_START)?;
            let clock = check_process(&mut session, pid)?;
            session.call("Profiler.enable", &json!({}), TO_START)?;
            let interval = json!({ "interval": INTERVAL_US });
            session.call("Profiler.setSamplingInterval", &interval, TO_START)?;
            session.call("Profiler.start", &json!({}), TO_START)?;
            Ok(Self { pid, session, clock, is_ours })
        }

        /// Ends the profile and returns it, and closes the inspector if it was not open before.
        /// Waits while the loop stands, but not for ever.
        pub(crate) fn stop(mut self) -> Result<Profile, String> {
            let answer = self.session.call("Profiler.stop", &json!({}), TO_STOP)?;
            if self.is_ours {
                // It closes this connection as well, so that it cannot be done at once. Whether it
                // works makes no difference to the profile.
                let close =
                    "{ const i = require('inspector'); setTimeout(() => i.close(), 10); 0 }";
                let _ = evaluate(&mut self.session, close);
            }
            Profile::new(self.pid, self.clock, answer)
        }
    }

    /// What an expression yields in the process.
    fn evaluate(session: &mut Session, expression: &str) -> Result<Value, String> {
        let what = json!({
            "expression": expression, "includeCommandLineAPI": true, "returnByValue": true
        });
        let mut answer = session.call("Runtime.evaluate", &what, TO_START)?;
        Ok(answer.pointer_mut("/result/value").map(Value::take).unwrap_or_default())
    }

    /// Whether the inspector is that of the process, and how its clock goes by ours.
    fn check_process(session: &mut Session, pid: u32) -> Result<Clock, String> {
        let before = Instant::now();
        let told = evaluate(session, "process.pid + ' ' + process.hrtime.bigint()")?;
        let after = Instant::now();
        let mut numbers = told.as_str().unwrap_or_default().split(' ').map(str::parse::<u64>);
        let (Some(Ok(its_pid)), Some(Ok(now_ns))) = (numbers.next(), numbers.next()) else {
            return Err("the inspector does not tell whose it is".to_owned());
        };
        if !opening::has_number(pid, its_pid) {
            return Err(format!(
                "the inspector that answers is that of process {its_pid}, not of {pid}: start Node \
                 with --inspect=127.0.0.1:0"
            ));
        }
        Ok(Clock { at: before + (after - before) / 2, us: now_ns / 1000 })
    }
}
