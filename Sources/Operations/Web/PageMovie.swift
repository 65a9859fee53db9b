extension WebPage {
    /// Boxes out of bytes that come in any pieces, and what an initialisation section says of its tracks.
    static let movieScript = #"""
        const u16 = (b, at) => b[at] << 8 | b[at + 1];
        const u32 = (b, at) => (b[at] << 24 | b[at + 1] << 16 | b[at + 2] << 8 | b[at + 3]) >>> 0;
        const u64 = (b, at) => u32(b, at) * 2 ** 32 + u32(b, at + 4);
        const two = (n) => String(n).padStart(2, '0');
        const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
        const typeAt = (b, at) => String.fromCharCode(...b.subarray(at + 4, at + 8));
        const largestBox = 64 * 2 ** 20;

        function concat(parts) {
          const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
          let at = 0;
          for (const part of parts) { out.set(part, at); at += part.length; }
          return out;
        }

        // Whole boxes, headers included.
        function* boxes(bytes, at = 0) {
          while (at + 8 <= bytes.length) {
            const size = u32(bytes, at);
            if (size < 8 || size > largestBox) throw new Error('not MP4');
            if (at + size > bytes.length) return;
            yield bytes.subarray(at, at + size);
            at += size;
          }
        }

        // The boxes at a path below one whose children begin behind `head` bytes.
        function children(box, path, head = 8) {
          const [first, ...rest] = path;
          const found = [...boxes(box, head)].filter((child) => typeAt(child, 0) === first);
          return rest.length ? found.flatMap((child) => children(child, rest)) : found;
        }

        // Collects bytes until boxes are whole.
        class BoxReader {
          constructor(onBox) { this.rest = new Uint8Array(0); this.onBox = onBox; }

          push(bytes) {
            const all = this.rest.length ? concat([this.rest, bytes]) : bytes;
            let at = 0;
            for (const box of boxes(all)) { this.onBox(typeAt(box, 0), box); at += box.length; }
            this.rest = all.slice(at);
          }
        }

        // RFC 6381, by sample entry. What is said of the codec is in a box behind the entry's own fields.
        const codecs = {
          avc1: { label: 'H.264', box: 'avcC', name: (r, type) => `${type}.${hex(r.subarray(1, 4))}` },
          hvc1: { label: 'H.265', box: 'hvcC', name: (r, type) => {
            let flags = 0;
            for (let i = 0; i < 32; i++) if (r[2 + (i >> 3)] >> (7 - (i & 7)) & 1) flags += 2 ** i;
            const constraints = [...r.subarray(6, 12)];
            while (constraints.length && !constraints.at(-1)) constraints.pop();
            return [type, ['', 'A', 'B', 'C'][r[1] >> 6] + (r[1] & 31), flags.toString(16),
              'LH'[r[1] >> 5 & 1] + r[12], ...constraints.map((b) => b.toString(16))].join('.');
          } },
          av01: { label: 'AV1', box: 'av1C', name: (r, type) => {
            const depth = r[2] >> 6 & 1 ? (r[2] >> 5 & 1 ? 12 : 10) : 8;
            return `${type}.${r[1] >> 5}.${two(r[1] & 31)}${'MH'[r[2] >> 7]}.${two(depth)}`;
          } },
          vp09: { label: 'VP9', box: 'vpcC', name: (r, type) =>
            [type, two(r[4]), two(r[5]), two(r[6] >> 4)].join('.') },
          mp4a: { label: 'AAC', box: 'esds', name: audioObject },
          Opus: { label: 'Opus', name: () => 'opus' },
          fLaC: { label: 'FLAC', name: () => 'flac' },
          'ac-3': { label: 'AC-3' },
          'ec-3': { label: 'E-AC-3' },
        };
        codecs.avc3 = codecs.avc1;

        // ISO/IEC 14496-1 7.2.6: descriptors in each other, each a tag and a length of up to four bytes.
        function audioObject(r) {
          let at = 4, type = 0;
          while (at < r.length) {
            const tag = r[at++];
            while (r[at++] & 128);
            if (tag === 3) at += 3;
            else if (tag === 4) { type = r[at]; at += 13; }
            else if (tag === 5) {
              const object = r[at] >> 3;
              return `mp4a.40.${object === 31 ? 32 + ((r[at] & 7) << 3 | r[at + 1] >> 5) : object}`;
            } else break;
          }
          return `mp4a.${type.toString(16)}`;
        }

        // The tracks of a `moov`: number, kind, time scale, label and codec.
        function tracksOf(moov) {
          return children(moov, ['trak']).map((trak) => {
            const [tkhd] = children(trak, ['tkhd']), [mdhd] = children(trak, ['mdia', 'mdhd']);
            const [hdlr] = children(trak, ['mdia', 'hdlr']);
            const [stsd] = children(trak, ['mdia', 'minf', 'stbl', 'stsd']);
            const kind = typeAt(hdlr, 12) === 'vide' ? 'video' : 'audio';
            const entry = stsd.subarray(16), type = typeAt(entry, 0), known = codecs[type];
            const [record] = known?.box ? children(entry, [known.box], kind === 'video' ? 86 : 36) : [];
            return {
              kind, number: u32(tkhd, tkhd[8] ? 28 : 20), scale: u32(mdhd, mdhd[8] ? 28 : 20),
              label: known?.label || type,
              codec: known?.name?.(record?.subarray(8) || new Uint8Array(16), type) || type,
            };
          });
        }

        // Seconds at which a `moof` begins, by its earliest track.
        function beginning(moof, tracks) {
          return Math.min(...children(moof, ['traf']).map((traf) => {
            const [tfhd] = children(traf, ['tfhd']), [tfdt] = children(traf, ['tfdt']);
            const scale = tracks.find(({ number }) => number === u32(tfhd, 12))?.scale || 1;
            return (tfdt[8] ? u64(tfdt, 12) : u32(tfdt, 12)) / scale;
          }));
        }

        // A `prft`: seconds of Unix time, and the seconds in the stream that they belong to.
        function producerTime(prft, tracks) {
          const scale = tracks.find(({ number }) => number === u32(prft, 12))?.scale;
          if (!scale) return null;
          const wall = u32(prft, 16) - 2208988800 + u32(prft, 20) / 2 ** 32;
          return { wall, media: (prft[8] ? u64(prft, 24) : u32(prft, 24)) / scale };
        }
        """#
}
