extension WebPage {
    /// Fragmented MP4 (ISO/IEC 14496-12), one track a file: the initialisation segment and media fragments.
    static let mp4Script = #"""
        function box(type, ...parts) {
          const body = concat(parts);
          return concat([u32(body.length + 8), chars(type), body]);
        }
        const full = (type, version, flags, ...parts) => box(type, [version], u32(flags).slice(1), ...parts);
        const zeros = (n) => new Uint8Array(n);

        const visual = (type, size, record) => box(type, zeros(6), u16(1), zeros(16),
          u16(size.width), u16(size.height), u32(0x480000), u32(0x480000), u32(0),
          u16(1), zeros(32), u16(24), u16(0xffff), record);

        const sound = (type, channels, rate, record) => box(type, zeros(6), u16(1), zeros(8),
          u16(channels), u16(16), u32(0), u16(rate < 65536 ? rate : 0), u16(0), record);

        // ISO/IEC 14496-14: the decoder's configuration in its three wrappings.
        function esds(record) {
          const wrap = (tag, ...parts) => { const body = concat(parts); return concat([[tag, body.length], body]); };
          return full('esds', 0, 0, wrap(3, u16(1), [0],
            wrap(4, [0x40, 0x15], zeros(11), wrap(5, record)), wrap(6, [2])));
        }

        function initSegment(track) {
          const video = track.kind === 'video', { width, height } = track.size;
          const matrix = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].flatMap(u32);
          const table = box('stbl', full('stsd', 0, 0, u32(1), track.description.entry), full('stts', 0, 0, u32(0)),
            full('stsc', 0, 0, u32(0)), full('stsz', 0, 0, u32(0), u32(0)), full('stco', 0, 0, u32(0)));
          const media = box('minf', video ? full('vmhd', 0, 1, zeros(8)) : full('smhd', 0, 0, zeros(4)),
            box('dinf', full('dref', 0, 0, u32(1), full('url ', 0, 1))), table);
          const header = full('tkhd', 0, 3, zeros(8), u32(1), zeros(20), u16(video ? 0 : 0x100), u16(0), matrix,
            u16(video ? width : 0), u16(0), u16(video ? height : 0), u16(0));
          const trak = box('trak', header, box('mdia',
            full('mdhd', 0, 0, zeros(8), u32(track.timescale), u32(0), u16(0x55c4), u16(0)),
            full('hdlr', 0, 0, u32(0), chars(video ? 'vide' : 'soun'), zeros(12), [0]), media));
          return concat([box('ftyp', chars('isom'), u32(512), chars('isomiso6mp41')), box('moov',
            full('mvhd', 0, 0, zeros(8), u32(1000), u32(0), u32(0x10000), u16(0x100), zeros(10), matrix, zeros(24),
              u32(2)),
            trak, box('mvex', full('trex', 0, 0, u32(1), u32(1), u32(0), u32(0), u32(0))))]);
        }

        function fragment(sequence, samples) {
          const rows = samples.flatMap((s) => [...u32(s.duration), ...u32(s.data.length),
            ...u32(s.key ? 0x02000000 : 0x01010000), ...u32(s.offset)]);
          // The bytes of moof around the rows, and the header of mdat, come before the first sample.
          const run = full('trun', 1, 0xf01, u32(samples.length), u32(88 + rows.length + 8), rows);
          const moof = box('moof', full('mfhd', 0, 0, u32(sequence)), box('traf', full('tfhd', 0, 0x20000, u32(1)),
            full('tfdt', 1, 0, u64(samples[0].time)), run));
          return concat([moof, box('mdat', ...samples.map((s) => s.data))]);
        }
        """#
}
