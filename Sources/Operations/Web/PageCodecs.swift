extension WebPage {
    /// Bytes in and out, and a reader of Exp-Golomb bits.
    static let bytesScript = #"""
        const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
        const two = (n) => String(n).padStart(2, '0');
        const u16 = (n) => [n >> 8 & 255, n & 255];
        const u24at = (b, i) => b[i] << 16 | b[i + 1] << 8 | b[i + 2];
        const s24at = (b, i) => u24at(b, i) << 8 >> 8;
        const u32 = (n) => [n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255];
        const u64 = (n) => [...u32(Math.floor(n / 2 ** 32)), ...u32(n >>> 0)];
        const chars = (text) => [...text].map((c) => c.charCodeAt(0));
        const text = (b, from, to) => String.fromCharCode(...b.subarray(from, to));
        const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

        function concat(parts) {
          const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
          let at = 0;
          for (const part of parts) { out.set(part, at); at += part.length; }
          return out;
        }

        class Bits {
          constructor(bytes) { this.bytes = bytes; this.at = 0; }
          bit() { const b = this.bytes[this.at >> 3] >> (7 - (this.at & 7)) & 1; this.at++; return b; }
          bits(n) { let v = 0; while (n-- > 0) v = v * 2 + this.bit(); return v; }
          ue() {
            let zeros = 0;
            while (!this.bit()) if (++zeros > 31) throw new Error('malformed Exp-Golomb code');
            return 2 ** zeros - 1 + this.bits(zeros);
          }
          se() { const v = this.ue(); return v & 1 ? (v + 1) / 2 : -v / 2; }
        }
        """#

    /// From a codec configuration record to a label, a MIME type and a sample entry. A record that is too short throws
    /// and its track is left out.
    static let codecScript = #"""
        // Rec. ITU-T H.264 7.3.2.1.1, as far as the picture's size.
        function avcSize(record) {
          const raw = record.subarray(8, 8 + (record[6] << 8 | record[7]));
          const sps = new Bits(raw.filter((b, i) => !(b === 3 && i > 1 && !raw[i - 1] && !raw[i - 2])));
          sps.bits(8);
          const profile = sps.bits(8);
          sps.bits(16);
          sps.ue();
          let chroma = 1;
          if ([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].includes(profile)) {
            chroma = sps.ue();
            if (chroma === 3) sps.bit();
            sps.ue(); sps.ue(); sps.bit();
            const lists = sps.bit() ? (chroma === 3 ? 12 : 8) : 0;
            for (let i = 0; i < lists; i++) if (sps.bit()) skipList(sps, i < 6 ? 16 : 64);
          }
          sps.ue();
          const order = sps.ue();
          if (order === 0) sps.ue();
          if (order === 1) {
            sps.bit(); sps.se(); sps.se();
            for (let n = Math.min(sps.ue(), 255); n > 0; n--) sps.se();
          }
          sps.ue(); sps.bit();
          const width = (sps.ue() + 1) * 16, map = (sps.ue() + 1) * 16, frame = sps.bit();
          if (!frame) sps.bit();
          sps.bit();
          const crop = sps.bit() ? [sps.ue(), sps.ue(), sps.ue(), sps.ue()] : [0, 0, 0, 0];
          const x = chroma === 1 || chroma === 2 ? 2 : 1, y = (chroma === 1 ? 2 : 1) * (2 - frame);
          return { width: width - (crop[0] + crop[1]) * x, height: map * (2 - frame) - (crop[2] + crop[3]) * y };
        }

        function skipList(sps, count) {
          for (let i = 0, last = 8, next = 8; i < count; i++) {
            if (next) next = (last + sps.se() + 256) % 256;
            if (next) last = next;
          }
        }

        const videoCodecs = {
          avc1: (r, size) => {
            try { size = avcSize(r); } catch { /* the size of the metadata will do */ }
            const codec = 'avc1.' + hex(r.subarray(1, 4));
            return { label: 'H.264', codec, size, entry: visual('avc1', size, box('avcC', r)) };
          },
          hvc1: (r, size) => {
            let flags = 0;
            for (let i = 0; i < 32; i++) if (r[2 + (i >> 3)] >> (7 - (i & 7)) & 1) flags += 2 ** i;
            let constraints = [...r.subarray(6, 12)];
            while (constraints.length && !constraints.at(-1)) constraints.pop();
            const codec = ['hvc1', ['', 'A', 'B', 'C'][r[1] >> 6] + (r[1] & 31), flags.toString(16),
              'LH'[r[1] >> 5 & 1] + r[12], ...constraints.map((b) => b.toString(16))].join('.');
            return { label: 'H.265', codec, entry: visual('hvc1', size, box('hvcC', r)) };
          },
          av01: (r, size) => {
            const depth = r[2] >> 6 & 1 ? (r[2] >> 5 & 1 ? 12 : 10) : 8;
            const codec = `av01.${r[1] >> 5}.${two(r[1] & 31)}${'MH'[r[2] >> 7]}.${two(depth)}`;
            return { label: 'AV1', codec, entry: visual('av01', size, box('av1C', r)) };
          },
          vp09: (r, size) => {
            // Encoders differ on whether the record starts with the box's version and flags.
            if (!(r.length >= 12 && r[0] === 1 && !u24at(r, 1))) r = concat([[1, 0, 0, 0], r]);
            const codec = `vp09.${two(r[4])}.${two(r[5])}.${two(r[6] >> 4)}`;
            return { label: 'VP9', codec, entry: visual('vp09', size, box('vpcC', r)) };
          },
        };

        const audioCodecs = {
          mp4a: (r) => {
            const bits = new Bits(r);
            const object = () => { const type = bits.bits(5); return type === 31 ? 32 + bits.bits(6) : type; };
            const type = object(), index = bits.bits(4);
            const rates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
            const rate = index === 15 ? bits.bits(24) : rates[index];
            if (!rate) throw new Error('AAC without a sample rate');
            const channels = bits.bits(4) || 2;
            return { label: 'AAC', codec: 'mp4a.40.' + type, rate, entry: sound('mp4a', channels, rate, esds(r)),
              samples: () => 1024 };
          },
          Opus: (r) => {
            const at = text(r, 0, 8) === 'OpusHead' ? 8 : 0;
            const le = [[3, 2], [7, 6, 5, 4], [9, 8]].flat().map((i) => r[at + i] || 0);
            const channels = r[at + 1] || 2;
            const tail = r[at + 10] ? r.subarray(at + 10) : [0];
            return { label: 'Opus', codec: 'opus', rate: 48000,
              entry: sound('Opus', channels, 48000, box('dOps', [0, channels], le, tail)), samples: opusSamples };
          },
        };

        // RFC 6716 3.1: the first byte says how long a frame is and how many there are.
        function opusSamples(packet) {
          const kind = packet[0] >> 3;
          const frame = kind < 12 ? [480, 960, 1920, 2880][kind & 3] : kind < 16 ? [480, 960][kind & 1] :
            [120, 240, 480, 960][kind & 3];
          return frame * [1, 2, 2, packet[1] & 63][packet[0] & 3];
        }
        """#
}
