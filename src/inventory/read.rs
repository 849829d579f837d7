//! Files to inventory.

use rayon::prelude::*;

use super::device::{device, transit};
use super::keys::{section, unknown_key};
use super::site::site;
use super::types::Inventory;
use super::unique::settle;
use crate::diag::Sink;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node};

const TOP_KEYS: &[&str] = &["sites", "transit", "devices"];

/// Reads inventory files into one inventory, sorted by name.
///
/// Every mistake that can be seen without looking up names goes to `sink`; what could not be read is left out, so after an
/// error the inventory is good for finding more mistakes, not for computing. A file may hold several documents (`---`):
/// they are read as if each were a file of its own. Files are read in parallel; the result depends neither on that nor on
/// their order, but for which of two things of one name is called the second.
pub fn read(sources: &Sources, files: &[FileId], sink: &mut Sink) -> Inventory {
    let parts: Vec<(Inventory, Sink)> = files.par_iter().map(|&file| read_file(file, sources.text(file))).collect();
    let mut inventory = Inventory::default();
    for (part, found) in parts {
        inventory.sites.extend(part.sites);
        inventory.transits.extend(part.transits);
        inventory.devices.extend(part.devices);
        sink.append(found);
    }
    settle(&mut inventory, sink);
    inventory
}

fn read_file(file: FileId, text: &str) -> (Inventory, Sink) {
    let mut sink = Sink::default();
    let mut inventory = Inventory::default();
    for document in yaml::parse(file, text, &mut sink) {
        read_document(&document, &mut inventory, &mut sink);
    }
    (inventory, sink)
}

fn read_document(document: &Node<'_>, inventory: &mut Inventory, sink: &mut Sink) {
    let wanted = "a mapping with `sites`, `transit` and `devices`";
    let Some(map) = document.map(format_args!("the inventory"), wanted, sink) else { return };
    for entry in &map.entries {
        let key = entry.key.value.as_ref();
        match key {
            "sites" => {
                let entries = section(&entry.value, key, "the inventory", sink);
                inventory.sites.extend(entries.iter().filter_map(|entry| site(entry, sink)));
            }
            "transit" => {
                let entries = section(&entry.value, key, "the inventory", sink);
                inventory.transits.extend(entries.iter().filter_map(|entry| transit(entry, sink)));
            }
            "devices" => {
                let entries = section(&entry.value, key, "the inventory", sink);
                inventory.devices.extend(entries.iter().filter_map(|entry| device(entry, sink)));
            }
            _ => unknown_key(&entry.key, "the inventory", TOP_KEYS, sink),
        }
    }
}
