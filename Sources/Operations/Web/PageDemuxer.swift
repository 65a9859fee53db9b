extension WebPage {
    /// FLV tags from pieces of any size, and what is in a video or an audio tag, legacy and Enhanced RTMP alike.
    static let demuxScript = #"""
        class FLVReader {
          constructor(onTag) { this.onTag = onTag; this.rest = new Uint8Array(0); this.started = false; }

          push(bytes) {
            let data = this.rest.length ? concat([this.rest, bytes]) : bytes, at = 0;
            if (!this.started) {
              if (data.length < 13) { this.rest = data; return; }
              if (text(data, 0, 3) !== 'FLV') throw new Error('The answer is not FLV.');
              this.started = true;
              at = 9 + 4;
            }
            while (data.length - at >= 11) {
              const size = u24at(data, at + 1);
              if (data.length - at < 11 + size + 4) break;
              const time = u24at(data, at + 4) + data[at + 7] * 2 ** 24;
              this.onTag(data[at] & 31, time, data.subarray(at + 11, at + 11 + size));
              at += 11 + size + 4;
            }
            this.rest = data.slice(at);
          }
        }

        // Enhanced RTMP: walks ModEx prefixes and the first track of a multitrack packet. Null if not for us.
        function enhanced(data, type, multitrack) {
          let at = 1;
          while (type === 7) {
            let size = data[at++] + 1;
            if (size === 256) { size = (data[at] << 8 | data[at + 1]) + 1; at += 2; }
            at += size;
            type = data[at++] & 15;
          }
          let end = data.length, kind = null;
          if (type === multitrack) {
            kind = data[at] >> 4;
            type = data[at++] & 15;
          }
          const fourcc = text(data, at, at + 4);
          at += 4;
          if (kind !== null) {
            if (data[at++] !== 0) return null;
            if (kind > 0) { end = at + 3 + u24at(data, at); at += 3; }
          }
          return { type, fourcc, body: data.subarray(at, end) };
        }

        // { fourcc, config } or { fourcc, key, offset, data }, or null for what carries no picture.
        function videoPacket(data) {
          if (data.length < 2) return null;
          const key = (data[0] >> 4 & 7) === 1;
          if (data[0] & 0x80) {
            if ((data[0] >> 4 & 7) === 5) return null;
            const packet = enhanced(data, data[0] & 15, 6);
            if (!packet) return null;
            const { type, fourcc, body } = packet;
            if (type === 0) return { fourcc, config: body };
            if (type === 1 && (fourcc === 'avc1' || fourcc === 'hvc1')) {
              return { fourcc, key, offset: s24at(body, 0), data: body.subarray(3) };
            }
            return type === 1 || type === 3 ? { fourcc, key, offset: 0, data: body } : null;
          }
          // 12 is the number that Chinese encoders gave H.265 before there were FourCCs.
          const fourcc = { 2: 'H.263', 4: 'VP6', 5: 'VP6', 7: 'avc1', 12: 'hvc1' }[data[0] & 15];
          if (!fourcc || data.length < 5) return null;
          if (!videoCodecs[fourcc]) return { fourcc, config: data };
          if (data[1] === 0) return { fourcc, config: data.subarray(5) };
          return data[1] === 1 ? { fourcc, key, offset: s24at(data, 2), data: data.subarray(5) } : null;
        }

        function audioPacket(data) {
          if (data.length < 2) return null;
          const format = data[0] >> 4;
          if (format === 9) {
            const packet = enhanced(data, data[0] & 15, 5);
            if (!packet) return null;
            const { type, fourcc, body } = packet;
            if (type === 0) return { fourcc, config: body };
            return type === 1 ? { fourcc, key: true, offset: 0, data: body } : null;
          }
          if (format !== 10) {
            const name = { 2: 'MP3', 7: 'G.711', 8: 'G.711', 11: 'Speex', 14: 'MP3' }[format] || 'PCM';
            return { fourcc: name, config: data.subarray(0, 1) };
          }
          const fourcc = 'mp4a', body = data.subarray(2);
          return data[1] === 0 ? { fourcc, config: body } : { fourcc, key: true, offset: 0, data: body };
        }

        // The picture's size out of onMetaData: a number's AMF0 value follows its name.
        function metadataSize(data) {
          const view = new DataView(data.buffer, data.byteOffset, data.length);
          const number = (name) => {
            const wanted = [0, name.length, ...chars(name), 0];
            for (let i = 0; i + wanted.length + 8 <= data.length; i++) {
              if (wanted.every((b, j) => data[i + j] === b)) return view.getFloat64(i + wanted.length);
            }
            return 0;
          };
          const width = number('width'), height = number('height');
          return width > 0 && height > 0 && width < 65536 && height < 65536 ? { width, height } : null;
        }
        """#
}
