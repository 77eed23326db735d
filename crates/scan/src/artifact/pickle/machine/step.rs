//! The opcodes, one by one.

use super::{
    Change, ENDS, End, Follows, How, LENGTH_BOMB, MAX_DEPTH, MAX_IMPORTS, MAX_ITEMS, MAX_NAME, Machine, Step,
    TextKind, UNDERFLOW, Value, Watch, text,
};

impl Machine<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for each opcode, as the machine is defined")]
    #[inline]
    pub(super) fn step<W: Watch>(&mut self, op: u8, watch: &mut W) -> Step {
        match op {
            // --- protocol 2 and up ---
            0x80 => {
                self.protocol = self.input.byte().ok_or(ENDS)?;
                if self.protocol > 5 {
                    return Err("a protocol that does not exist");
                }
            }
            0x95 => {
                let len = self.input.u64().ok_or(ENDS)?;
                if len > self.input.left().saturating_add(LENGTH_BOMB) {
                    watch.bomb("a frame far longer than the stream", self.op_at);
                }
            }
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => {
                let n = self.input.byte().ok_or(ENDS)?;
                self.push(Value::Int(i64::from(n)));
            }
            b'M' => {
                let n = self.input.u16().ok_or(ENDS)?;
                self.push(Value::Int(i64::from(n)));
            }
            b'J' => {
                let n = self.input.array().map(i32::from_le_bytes).ok_or(ENDS)?;
                self.push(Value::Int(i64::from(n)));
            }
            0x8a => {
                let len = self.input.byte().ok_or(ENDS)?;
                self.long(u64::from(len), watch)?;
            }
            0x8b => {
                let len = self.input.array().map(i32::from_le_bytes).ok_or(ENDS)?;
                let len = u64::try_from(len).map_err(|_| "a negative length")?;
                self.long(len, watch)?;
            }
            b'I' => {
                let value = match self.line_number_or_bool()? {
                    Some(flag) => Value::Bool(flag),
                    None => self.number()?,
                };
                self.push(value);
            }
            b'L' => {
                let number = self.line_number()?;
                self.push(number);
            }
            b'F' => {
                self.line()?;
                let text = std::str::from_utf8(&self.line).map_err(|_| "a number that is none")?;
                text.trim().replace('_', "").parse::<f64>().map_err(|_| "a number that is none")?;
                self.push(Value::Number);
            }
            b'G' => {
                self.input.array::<8>().ok_or(ENDS)?;
                self.push(Value::Number);
            }
            // --- strings and bytes ---
            0x8c => {
                let len = self.input.byte().ok_or(ENDS)?;
                self.text_value(u64::from(len), watch)?;
            }
            b'X' => {
                let len = self.input.u32().ok_or(ENDS)?;
                self.text_value(u64::from(len), watch)?;
            }
            0x8d => {
                let len = self.input.u64().ok_or(ENDS)?;
                self.text_value(len, watch)?;
            }
            b'V' => {
                let (at, len) = self.line()?;
                let len = u32::try_from(len).unwrap_or(u32::MAX);
                self.push(Value::Text { at, len, kind: TextKind::RawEscape });
            }
            b'S' => {
                let (at, len) = self.line()?;
                let len = if len <= MAX_NAME as u64 {
                    text::unquote(&self.line).ok_or("a string without its quotes")?.len() as u64
                } else {
                    len.saturating_sub(2)
                };
                let at = at.saturating_add(1);
                let len = u32::try_from(len).unwrap_or(u32::MAX);
                self.push(Value::Text { at, len, kind: TextKind::Quoted });
            }
            b'U' => {
                let len = self.input.byte().ok_or(ENDS)?;
                self.text_value(u64::from(len), watch)?;
            }
            b'T' => {
                let len = self.input.array().map(i32::from_le_bytes).ok_or(ENDS)?;
                let len = u64::try_from(len).map_err(|_| "a negative length")?;
                self.text_value(len, watch)?;
            }
            b'C' => {
                let len = self.input.byte().ok_or(ENDS)?;
                self.bytes_value(u64::from(len), watch)?;
            }
            b'B' => {
                let len = self.input.u32().ok_or(ENDS)?;
                self.bytes_value(u64::from(len), watch)?;
            }
            0x8e | 0x96 => {
                let len = self.input.u64().ok_or(ENDS)?;
                self.bytes_value(len, watch)?;
            }
            0x97 => self.push(Value::Buffer),
            0x98 => {
                self.top()?;
            }
            // --- containers ---
            b'(' => self.mark(),
            b')' => self.push(Value::EmptyTuple),
            b']' => self.push(Value::List),
            b'}' => self.push(Value::Dict),
            0x8f => self.push(Value::Set),
            0x85 => self.short_tuple(1)?,
            0x86 => {
                self.short_tuple(2)?;
                self.many_parts(watch);
            }
            0x87 => {
                self.short_tuple(3)?;
                self.many_parts(watch);
            }
            b't' => {
                let from = self.pop_mark()?;
                let tuple = self.tuple_from(from);
                self.push(tuple);
                self.many_parts(watch);
            }
            b'l' => {
                let from = self.pop_mark()?;
                self.stack.truncate(from);
                self.push(Value::List);
            }
            b'd' => {
                let from = self.pop_mark()?;
                if self.stack.len().saturating_sub(from) % 2 != 0 {
                    return Err("an odd number of items");
                }
                self.stack.truncate(from);
                self.push(Value::Dict);
            }
            0x91 => {
                let from = self.pop_mark()?;
                self.stack.truncate(from);
                self.push(Value::Set);
            }
            b'a' => {
                let value = self.pop()?;
                let target = self.top()?;
                self.change(Change::Elements, target, value, watch);
            }
            b'e' | 0x90 => {
                let from = self.pop_mark()?;
                let some = self.stack.len() > from;
                let value = self.stack.last().copied().unwrap_or(Value::Unknown);
                self.stack.truncate(from);
                let target = self.top()?;
                if some {
                    self.change(Change::Elements, target, value, watch);
                }
            }
            b's' => {
                let value = self.pop()?;
                self.pop()?;
                let target = self.top()?;
                self.change(Change::Items, target, value, watch);
            }
            b'u' => {
                let from = self.pop_mark()?;
                let n = self.stack.len().saturating_sub(from);
                let value = self.stack.last().copied().unwrap_or(Value::Unknown);
                self.items.clear();
                self.items.extend(self.stack.iter().skip(from).take(MAX_ITEMS));
                self.stack.truncate(from);
                let target = self.top()?;
                if n % 2 != 0 {
                    return Err("an odd number of items");
                }
                if n > 0 {
                    self.change(Change::Items, target, value, watch);
                }
            }
            // --- stack ---
            b'0' => {
                if self.marks.last().is_some_and(|m| *m == self.stack.len()) {
                    self.pop_mark()?;
                } else {
                    self.pop()?;
                }
            }
            b'1' => {
                let from = self.pop_mark()?;
                self.stack.truncate(from);
            }
            b'2' => {
                let value = self.top()?;
                self.push(value);
            }
            // --- memo ---
            0x94 => self.remember(self.memo_used)?,
            b'q' => {
                let index = self.input.byte().ok_or(ENDS)?;
                self.remember(u64::from(index))?;
            }
            b'r' => {
                let index = u64::from(self.input.u32().ok_or(ENDS)?);
                self.top()?;
                self.memo_bomb(index, watch);
                self.remember(index)?;
            }
            b'p' => {
                let Value::Int(index) = self.line_number()? else { return Err("a memo index that is none") };
                let index = u64::try_from(index).map_err(|_| "a negative memo index")?;
                self.top()?;
                self.memo_bomb(index, watch);
                self.remember(index)?;
            }
            b'h' => {
                let index = self.input.byte().ok_or(ENDS)?;
                self.recall(u64::from(index))?;
            }
            b'j' => {
                let index = self.input.u32().ok_or(ENDS)?;
                self.recall(u64::from(index))?;
            }
            b'g' => {
                let Value::Int(index) = self.line_number()? else { return Err("a memo index that is none") };
                self.recall(u64::try_from(index).map_err(|_| "a negative memo index")?)?;
            }
            // --- imports and calls ---
            b'c' => {
                self.line()?;
                let module = self.line.clone();
                self.line()?;
                let name = self.line.clone();
                let (module, name) = match (String::from_utf8(module), String::from_utf8(name)) {
                    (Ok(module), Ok(name)) => (module, name),
                    _ => return Err("a name that is not UTF-8"),
                };
                let value = self.import(module, name, watch);
                self.push(value);
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                let places = match (module, name) {
                    (Value::Text { at: module, .. }, Value::Text { at: name, .. }) => (module, name),
                    _ => (0, 0),
                };
                if let Some(id) = self.by_place.get(&places).copied() {
                    watch.import(self, id, self.op_at);
                    self.push(Value::Global(id));
                    return Ok(());
                }
                let value = match (self.text(module), self.text(name)) {
                    (Some(module), Some(name)) => {
                        let value = self.import(module, name, watch);
                        if let Value::Global(id) = value
                            && self.by_place.len() < MAX_IMPORTS
                        {
                            self.by_place.insert(places, id);
                        }
                        value
                    }
                    _ if Self::may_be_text(module) && Self::may_be_text(name) => {
                        watch.unknown_import(self, self.op_at);
                        Value::Unknown
                    }
                    _ => return Err("an import whose name is no string"),
                };
                self.push(value);
            }
            b'R' => {
                let args = self.pop()?;
                let callee = self.pop()?;
                self.call(How::Call, callee, args, watch);
            }
            b'i' => {
                self.line()?;
                let module = self.line.clone();
                self.line()?;
                let name = self.line.clone();
                let from = self.pop_mark()?;
                let args = self.tuple_from(from);
                let (Ok(module), Ok(name)) = (String::from_utf8(module), String::from_utf8(name)) else {
                    return Err("a name that is not UTF-8");
                };
                let callee = self.import(module, name, watch);
                self.call(How::Call, callee, args, watch);
            }
            b'o' => {
                let from = self.pop_mark()?;
                if self.stack.len() <= from {
                    return Err(UNDERFLOW);
                }
                let args = self.tuple_from(from.saturating_add(1));
                let callee = self.stack.pop().ok_or(UNDERFLOW)?;
                self.call(How::Call, callee, args, watch);
            }
            0x81 => {
                let args = self.pop()?;
                let callee = self.pop()?;
                self.call(How::New, callee, args, watch);
            }
            0x92 => {
                self.pop()?;
                let args = self.pop()?;
                let callee = self.pop()?;
                self.call(How::New, callee, args, watch);
            }
            b'b' => {
                let state = self.pop()?;
                let target = self.top()?;
                self.change(Change::State, target, state, watch);
                if matches!(target, Value::Result(_) | Value::Made(_)) {
                    match watch.follows(self, target) {
                        Follows::Opcodes => {}
                        Follows::Raw { bytes, padded } => {
                            let padding = if padded { self.input.byte().ok_or(ENDS)? } else { 0 };
                            self.blob(u64::from(padding), watch)?;
                            self.blob(bytes, watch)?;
                        }
                        Follows::Pickle => self.inner(watch)?,
                    }
                }
            }
            b'P' => {
                let (at, len) = self.line()?;
                let len = u32::try_from(len).unwrap_or(u32::MAX);
                self.persistent(Value::Text { at, len, kind: TextKind::Plain }, watch);
            }
            b'Q' => {
                let id = self.pop()?;
                self.persistent(id, watch);
            }
            0x82 => {
                let code = self.input.byte().ok_or(ENDS)?;
                self.extension(i64::from(code), watch)?;
            }
            0x83 => {
                let code = self.input.u16().ok_or(ENDS)?;
                self.extension(i64::from(code), watch)?;
            }
            0x84 => {
                let code = self.input.array().map(i32::from_le_bytes).ok_or(ENDS)?;
                self.extension(i64::from(code), watch)?;
            }
            _ => return Err("an opcode that does not exist"),
        }
        Ok(())
    }

    /// Runs a pickle that stands inside this one, with a stack and a memo of its own.
    pub(super) fn inner<W: Watch>(&mut self, watch: &mut W) -> Step {
        if self.depth >= MAX_DEPTH {
            return Err("pickles in pickles, too deep");
        }
        self.depth = self.depth.saturating_add(1);
        let stack = std::mem::take(&mut self.stack);
        let marks = std::mem::take(&mut self.marks);
        let memo = std::mem::take(&mut self.memo);
        let far = std::mem::take(&mut self.far_memo);
        let (fence, used) = (self.fence, self.memo_used);
        (self.fence, self.memo_used) = (0, 0);
        let end = self.run(watch);
        (self.stack, self.marks, self.memo, self.far_memo) = (stack, marks, memo, far);
        (self.fence, self.memo_used) = (fence, used);
        self.depth = self.depth.saturating_sub(1);
        match end {
            End::Stop(_) => Ok(()),
            End::Broken { why, .. } => Err(why),
        }
    }

    pub(super) fn may_be_text(value: Value) -> bool {
        matches!(
            value,
            Value::Text { .. }
                | Value::Unknown
                | Value::Result(_)
                | Value::Made(_)
                | Value::Persistent(_)
                | Value::Global(_)
        )
    }
}
