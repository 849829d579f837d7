//! What is being done, for a person who waits.
//!
//! Shown on standard error only if that is a terminal, `--quiet` is not given and the work has taken over a second; the line
//! is wiped when the work ends. Nothing of it ever reaches a file or a pipe. With `--verbose` each stage is told with the time it took, wherever standard error goes.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::args::Common;
use super::output;

const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(200);

/// Shows the current stage until it is dropped.
pub struct Progress {
    stages: Option<Sender<&'static str>>,
    drawing: Option<JoinHandle<()>>,
    /// The stage that is told when it ends.
    told: Option<Mutex<(&'static str, Instant)>>,
}

impl Progress {
    /// Begins with a stage, such as `reading`.
    #[must_use]
    pub fn start(common: &Common, stage: &'static str) -> Self {
        let told = || common.verbose.then(|| Mutex::new((stage, Instant::now())));
        if common.quiet || !output::is_watched() {
            return Self { stages: None, drawing: None, told: told() };
        }
        let (stages, incoming) = mpsc::channel();
        let drawing = std::thread::spawn(move || draw(stage, &incoming));
        Self { stages: Some(stages), drawing: Some(drawing), told: told() }
    }

    /// Goes on to the next stage.
    pub fn stage(&self, stage: &'static str) {
        if let Some(stages) = &self.stages {
            let _ = stages.send(stage);
        }
        self.tell(stage);
    }

    /// Tells how long the stage took that ends here.
    fn tell(&self, next: &'static str) {
        let Some(told) = &self.told else { return };
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, began) = std::mem::replace(&mut *told, (next, Instant::now()));
        let wipe = if self.drawing.is_some() { "\r\u{1b}[K" } else { "" };
        output::error_text(&format!("{wipe}{ended}: {:.2} s\n", began.elapsed().as_secs_f64()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stages = None;
        if let Some(drawing) = self.drawing.take() {
            let _ = drawing.join();
        }
        self.tell("");
    }
}

fn draw(mut stage: &'static str, incoming: &mpsc::Receiver<&'static str>) {
    let start = Instant::now();
    let mut shown = false;
    loop {
        let wait = if shown { REDRAW } else { PATIENCE.saturating_sub(start.elapsed()) };
        match incoming.recv_timeout(wait) {
            Ok(next) => stage = next,
            Err(RecvTimeoutError::Timeout) => {
                shown = true;
                output::error_text(&format!("\r\u{1b}[K{stage} ... {} s", start.elapsed().as_secs()));
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if shown {
        output::error_text("\r\u{1b}[K");
    }
}
