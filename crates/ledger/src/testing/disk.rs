//! The state of the simulated disk: what is there, what of it is durable, and what is on its way.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Faults, Seeded};
use crate::vfs::{DirEntry, OpenMode};

/// The unit in which a write can be torn, in bytes.
const SECTOR: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(u64),
}

/// A change of names that waits for its directory's sync.
#[derive(Debug, Clone)]
enum NameChange {
    Add(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, Node),
}

#[derive(Debug, Clone)]
enum Write {
    Bytes(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    current: Vec<u8>,
    pending: Vec<Write>,
}

pub(super) struct Disk {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending_names: Vec<NameChange>,
    next_inode: u64,
    calls: u64,
    faults: Faults,
    random: Seeded,
}

impl Write {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Bytes(offset, bytes) => {
                let end = offset.saturating_add(bytes.len());
                if to.len() < end {
                    to.resize(end, 0);
                }
                if let Some(place) = to.get_mut(*offset..end) {
                    place.copy_from_slice(bytes);
                }
            }
            Self::Truncate(length) => to.resize(*length, 0),
        }
    }

    /// What of a write reaches the disk when the power goes: all, nothing, or some of its sectors.
    fn torn(&self, random: &mut Seeded) -> Vec<Self> {
        match (self, random.below(4)) {
            (_, 0) => Vec::new(),
            (Self::Bytes(offset, bytes), 1 | 2) => {
                let mut kept = Vec::new();
                let mut at = *offset;
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let room = SECTOR.saturating_sub(at % SECTOR).min(rest.len());
                    let (sector, after) = rest.split_at_checked(room).unwrap_or((rest, &[]));
                    if random.below(2) == 0 {
                        kept.push(Self::Bytes(at, sector.to_vec()));
                    }
                    at = at.saturating_add(room);
                    rest = after;
                }
                kept
            }
            _ => vec![self.clone()],
        }
    }
}

impl NameChange {
    fn apply(&self, to: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::Add(path, node) => {
                to.insert(path.clone(), *node);
            }
            Self::Remove(path) => {
                to.remove(path);
            }
            Self::Rename(from, target, node) => {
                to.remove(from);
                to.insert(target.clone(), *node);
            }
        }
    }

    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Add(path, _) | Self::Remove(path) | Self::Rename(_, path, _) => path.parent(),
        }
    }
}

impl Disk {
    pub(super) fn new(faults: Faults) -> Self {
        let names = BTreeMap::from([(PathBuf::from("/"), Node::Dir)]);
        Self {
            inodes: BTreeMap::new(),
            durable_names: names.clone(),
            names,
            pending_names: Vec::new(),
            next_inode: 1,
            calls: 0,
            faults,
            random: Seeded::new(faults.seed),
        }
    }

    pub(super) fn after_power_loss(&mut self, faults: Faults) -> Self {
        let mut disk = Self::new(faults);
        let mut names = self.durable_names.clone();
        for change in &self.pending_names {
            if self.random.below(2) == 0 {
                change.apply(&mut names);
            }
        }
        for (inode, file) in &self.inodes {
            let mut content = file.durable.clone();
            for write in &file.pending {
                write.torn(&mut self.random).iter().for_each(|write| write.apply(&mut content));
            }
            let settled = Inode { durable: content.clone(), current: content, pending: Vec::new() };
            disk.inodes.insert(*inode, settled);
        }
        // What lies in a directory whose own name is gone cannot be reached.
        let reachable = |path: &Path| {
            path.ancestors().skip(1).all(|above| names.get(above).is_some_and(|node| *node == Node::Dir))
        };
        disk.names = names.iter().filter(|(path, _)| reachable(path)).map(|(p, n)| (p.clone(), *n)).collect();
        disk.durable_names = disk.names.clone();
        disk.next_inode = self.next_inode;
        disk
    }

    pub(super) fn after_restart(&self, faults: Faults) -> Self {
        let mut disk = Self::new(faults);
        disk.inodes = self.inodes.clone();
        disk.names = self.names.clone();
        disk.durable_names = self.durable_names.clone();
        disk.pending_names = self.pending_names.clone();
        disk.next_inode = self.next_inode;
        disk
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    pub(super) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let content = |node: &Node| match node {
            Node::File(inode) => self.inodes.get(inode).map(|file| file.current.clone()),
            Node::Dir => None,
        };
        self.names.iter().filter_map(|(path, node)| Some((path.clone(), content(node)?))).collect()
    }

    pub(super) fn put(&mut self, path: &Path, bytes: &[u8]) {
        let inode = match self.names.get(path) {
            Some(Node::File(inode)) => *inode,
            _ => self.fresh_inode(),
        };
        let file = Inode { durable: bytes.to_vec(), current: bytes.to_vec(), pending: Vec::new() };
        self.inodes.insert(inode, file);
        self.names.insert(path.to_path_buf(), Node::File(inode));
        self.durable_names.insert(path.to_path_buf(), Node::File(inode));
    }

    pub(super) fn take(&mut self, path: &Path) {
        self.names.remove(path);
        self.durable_names.remove(path);
    }

    fn fresh_inode(&mut self) -> u64 {
        self.next_inode = self.next_inode.saturating_add(1);
        self.next_inode
    }

    /// Counts a call; the error that it meets, if any.
    fn call(&mut self, grows: bool) -> io::Result<()> {
        self.calls = self.calls.saturating_add(1);
        let reached = |at: Option<u64>| at.is_some_and(|at| self.calls >= at);
        if reached(self.faults.power_off_at) {
            return Err(io::Error::other("the power is off"));
        }
        if self.faults.fail_at == Some(self.calls) {
            return Err(io::Error::other("simulated I/O error"));
        }
        if grows && reached(self.faults.full_at) {
            return Err(io::Error::from(ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn missing() -> io::Error {
        io::Error::from(ErrorKind::NotFound)
    }

    pub(super) fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<u64> {
        self.call(mode == OpenMode::Create)?;
        match (self.names.get(path).copied(), mode) {
            (Some(Node::Dir), _) => Err(io::Error::from(ErrorKind::IsADirectory)),
            (Some(Node::File(inode)), OpenMode::Create) => {
                self.change(inode, Write::Truncate(0))?;
                Ok(inode)
            }
            (Some(Node::File(inode)), _) => Ok(inode),
            (None, OpenMode::Create) => {
                let above = path.parent().and_then(|above| self.names.get(above));
                if above != Some(&Node::Dir) {
                    return Err(Self::missing());
                }
                let inode = self.fresh_inode();
                self.inodes.insert(inode, Inode::default());
                self.rename_nothing(NameChange::Add(path.to_path_buf(), Node::File(inode)));
                Ok(inode)
            }
            (None, _) => Err(Self::missing()),
        }
    }

    fn rename_nothing(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending_names.push(change);
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        self.call(true)?;
        match self.names.get(path) {
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(io::Error::from(ErrorKind::AlreadyExists)),
            None => {
                self.rename_nothing(NameChange::Add(path.to_path_buf(), Node::Dir));
                Ok(())
            }
        }
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(false)?;
        let node = self.names.get(from).copied().ok_or_else(Self::missing)?;
        self.rename_nothing(NameChange::Rename(from.to_path_buf(), to.to_path_buf(), node));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path, directory: bool) -> io::Result<()> {
        self.call(false)?;
        match self.names.get(path) {
            None => return Err(Self::missing()),
            Some(node) if (*node == Node::Dir) != directory => {
                return Err(io::Error::from(ErrorKind::InvalidInput));
            }
            _ => (),
        }
        if directory && self.names.keys().any(|name| name.parent() == Some(path)) {
            return Err(io::Error::from(ErrorKind::DirectoryNotEmpty));
        }
        self.rename_nothing(NameChange::Remove(path.to_path_buf()));
        Ok(())
    }

    pub(super) fn list(&mut self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.call(false)?;
        if self.names.get(path) != Some(&Node::Dir) {
            return Err(Self::missing());
        }
        let below = self.names.iter().filter(|(name, _)| name.parent() == Some(path));
        let named = below.filter_map(|(name, node)| {
            let name = name.file_name()?.to_str()?.to_owned();
            Some(DirEntry { name, is_dir: *node == Node::Dir })
        });
        Ok(named.collect())
    }

    pub(super) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        self.call(false)?;
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending_names).into_iter().partition(|c| c.directory() == Some(path));
        ready.iter().for_each(|change| change.apply(&mut self.durable_names));
        self.pending_names = waiting;
        Ok(())
    }

    fn inode(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(Self::missing)
    }

    fn change(&mut self, inode: u64, write: Write) -> io::Result<()> {
        let file = self.inode(inode)?;
        write.apply(&mut file.current);
        file.pending.push(write);
        Ok(())
    }

    pub(super) fn read(&mut self, inode: u64, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.call(false)?;
        let file = self.inode(inode)?;
        let rest = file.current.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    pub(super) fn write(&mut self, inode: u64, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Err(e) = self.call(true) {
            if !e.to_string().contains("power") {
                let part = self.random.below(bytes.len() as u64);
                let part = bytes.get(..usize::try_from(part).unwrap_or(0)).unwrap_or_default();
                self.change(inode, Write::Bytes(offset, part.to_vec()))?;
            }
            return Err(e);
        }
        if let Some(place) = self.place_for(inode, offset, bytes.len()) {
            let part = bytes.get(..place).unwrap_or(bytes);
            self.change(inode, Write::Bytes(offset, part.to_vec()))?;
            return Err(io::Error::from(ErrorKind::StorageFull));
        }
        self.change(inode, Write::Bytes(offset, bytes.to_vec()))
    }

    /// How many bytes of a write fit, when not all do.
    fn place_for(&self, inode: u64, offset: usize, length: usize) -> Option<usize> {
        let capacity = usize::try_from(self.faults.capacity?).unwrap_or(usize::MAX);
        let used: usize = self.files().values().map(Vec::len).sum();
        let here = self.inodes.get(&inode).map_or(0, |file| file.current.len());
        let most = capacity.saturating_sub(used).saturating_add(here);
        (offset.saturating_add(length) > most).then(|| most.saturating_sub(offset))
    }

    pub(super) fn truncate(&mut self, inode: u64, length: u64) -> io::Result<()> {
        self.call(false)?;
        self.change(inode, Write::Truncate(usize::try_from(length).unwrap_or(usize::MAX)))
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        self.call(false)?;
        if !self.faults.sync_lies {
            let file = self.inode(inode)?;
            let Inode { durable, pending, .. } = file;
            pending.drain(..).for_each(|write| write.apply(durable));
        }
        Ok(())
    }

    pub(super) fn length(&mut self, inode: u64) -> io::Result<u64> {
        self.call(false)?;
        Ok(self.inode(inode)?.current.len() as u64)
    }
}
