extension WebPage {
    /// Timestamps of a live stream laid onto one line that never jumps, and the samples of one track on that line.
    static let trackScript = #"""
        // Both tracks share it, so that a jump moves them together.
        class Timeline {
          constructor() { this.last = null; this.shift = 0; }

          // Milliseconds from 0; `jumped` is set when the stream's own clock leapt.
          map(time) {
            const step = this.last === null ? 0 : time - this.last;
            this.jumped = step > 3000 || step < -1500;
            if (this.last === null) this.shift = -time;
            if (this.jumped) this.shift += 40 - step;
            this.last = time;
            return Math.max(0, time + this.shift);
          }
        }

        class Track {
          constructor(kind) { this.kind = kind; this.sequence = 0; this.samples = []; this.next = null; }

          configure(fourcc, record, size, description) {
            this.changed = Boolean(this.description);
            this.fourcc = fourcc;
            this.record = record.slice();
            this.size = description.size || size;
            this.description = description;
            this.mime = `${this.kind}/mp4; codecs="${description.codec}"`;
            this.timescale = description.rate || 1000;
            this.needsKey = true;
            this.next = null;
          }

          add(time, packet) {
            if (packet.key) this.needsKey = false;
            if (this.needsKey || !packet.data.length) return;
            if (this.kind === 'audio') this.addAudio(time, packet);
            else this.addVideo(time, packet);
          }

          // Durations are exact, because browsers drop frames after one that was announced too short: so the newest
          // frame waits for its successor.
          addVideo(time, { key, offset, data }) {
            const held = this.samples.at(-1);
            if (held) {
              time = Math.max(time, held.time + 1);
              held.duration = time - held.time;
            }
            this.push({ time, key, offset, data: data.slice(), duration: 0 });
          }

          // Audio is laid end to end by its number of samples; milliseconds are too coarse and crackle.
          addAudio(time, { data }) {
            const wanted = Math.round(time * this.timescale / 1000), tolerance = this.timescale / 10;
            if (this.next === null || wanted - this.next > tolerance) this.next = wanted;
            if (this.next - wanted > tolerance) return;
            const duration = this.description.samples(data);
            if (!duration) return;
            this.push({ time: this.next, key: true, offset: 0, data: data.slice(), duration });
            this.next += duration;
          }

          // The first sample of a new configuration is marked, so that what came before it is written first.
          push(sample) {
            this.samples.push({ ...sample, changed: this.changed });
            this.changed = false;
          }

          // The next run of samples: it ends before a gap, because its times are counted from its first sample's.
          take() {
            let count = this.samples.length - (this.kind === 'video' ? 1 : 0);
            for (let i = 1; i < count; i++) {
              const { time, duration } = this.samples[i - 1];
              if (this.samples[i].changed || this.samples[i].time !== time + duration) count = i;
            }
            return this.samples.splice(0, Math.max(0, count));
          }
        }
        """#

    /// From FLV bytes to the source buffers of one media source; a new connection makes a new pipeline.
    static let pipelineScript = #"""
        const MSE = window.ManagedMediaSource || window.MediaSource;
        const probeTime = 500, keepBehind = 10, keepAtMost = 40, maxQueue = 64 * 2 ** 20;

        class Sink {
          constructor(buffer) {
            this.buffer = buffer;
            this.queue = [];
            this.bytes = 0;
            buffer.addEventListener('updateend', () => this.pump());
          }

          append(bytes) { this.queue.push({ bytes }); this.bytes += bytes.length; this.pump(); }
          changeType(mime) { this.queue.push({ mime }); this.pump(); }

          trim(before) {
            const { buffered } = this.buffer;
            if (this.buffer.updating || !buffered.length || buffered.start(0) > before - 5) return;
            this.buffer.remove(0, before);
          }

          pump() {
            while (this.queue.length && !this.buffer.updating) {
              if (this.queue[0].mime) { this.buffer.changeType(this.queue.shift().mime); continue; }
              const end = this.queue.findIndex((item) => item.mime);
              const items = this.queue.slice(0, end < 0 ? undefined : end);
              try {
                this.buffer.appendBuffer(concat(items.map((item) => item.bytes)));
              } catch (error) {
                if (error.name !== 'QuotaExceededError' || this.bytes > maxQueue) throw error;
                const { buffered } = this.buffer;
                if (buffered.length) this.buffer.remove(0, Math.max(1, buffered.end(buffered.length - 1) - 5));
                return;
              }
              this.queue.splice(0, items.length);
              this.bytes = this.queue.reduce((sum, item) => sum + (item.bytes?.length || 0), 0);
            }
          }
        }

        class Pipeline {
          // `onTrouble(kind, words)`: 'unsupported' for one track, 'fatal' when nothing is left, 'restart' to begin
          // anew.
          constructor(video, onTrouble) {
            Object.assign(this, { video, onTrouble, tracks: {}, sinks: {}, refused: {} });
            this.size = { width: 1280, height: 720 };
            this.timeline = new Timeline();
            this.reader = new FLVReader((type, time, data) => this.tag(type, time, data));
          }

          push(bytes) {
            this.reader.push(bytes);
            if (!this.source) this.open();
            this.flush();
          }

          tag(type, time, data) {
            if (type === 18) { this.size = metadataSize(data) || this.size; return; }
            const kind = type === 9 ? 'video' : type === 8 ? 'audio' : null;
            const packet = kind && (kind === 'video' ? videoPacket(data) : audioPacket(data));
            if (!packet) return;
            if (packet.config) { this.configure(kind, packet); return; }
            const track = this.tracks[kind];
            if (!track || track.fourcc !== packet.fourcc) return;
            const mapped = this.timeline.map(time);
            if (this.timeline.jumped && this.tracks.video) this.tracks.video.needsKey = true;
            track.add(mapped, packet);
          }

          configure(kind, { fourcc, config }) {
            let track = this.tracks[kind];
            if (track?.fourcc === fourcc && same(track.record, config)) return;
            const description = this.describe(kind, fourcc, config);
            if (!description) return;
            this.firstConfig ??= performance.now();
            track ??= new Track(kind);
            track.configure(fourcc, config, this.size, description);
            this.tracks[kind] = track;
            if (this.source?.readyState === 'open' && !this.sinks[kind]) this.onTrouble('restart');
          }

          describe(kind, fourcc, config) {
            let label = fourcc;
            try {
              const make = (kind === 'video' ? videoCodecs : audioCodecs)[fourcc];
              const description = make?.(config, this.size);
              label = description?.label || label;
              if (description && MSE.isTypeSupported(`${kind}/mp4; codecs="${description.codec}"`)) return description;
            } catch { /* a malformed record is as good as an unknown codec */ }
            this.firstConfig ??= performance.now();
            if (this.refused[kind] !== label) this.onTrouble('unsupported', label);
            this.refused[kind] = label;
            return null;
          }

          // Source buffers must all be made at once, so both tracks are awaited, but not for long.
          open() {
            const kinds = Object.keys(this.tracks), seen = kinds.length + Object.keys(this.refused).length;
            if (this.firstConfig === undefined || seen < 2 && performance.now() - this.firstConfig < probeTime) return;
            if (!kinds.length) { this.onTrouble('fatal'); return; }
            this.source = new MSE();
            this.url = URL.createObjectURL(this.source);
            this.source.addEventListener('sourceopen', () => {
              URL.revokeObjectURL(this.url);
              for (const kind of Object.keys(this.tracks)) {
                this.sinks[kind] = new Sink(this.source.addSourceBuffer(this.tracks[kind].mime));
                this.sinks[kind].append(initSegment(this.tracks[kind]));
              }
              this.flush();
            }, { once: true });
            this.video.disableRemotePlayback = true;
            this.video.src = this.url;
          }

          flush() {
            if (this.source?.readyState !== 'open') return;
            for (const [kind, sink] of Object.entries(this.sinks)) {
              const track = this.tracks[kind];
              for (let run; (run = track.take()).length;) {
                if (run[0].changed) {
                  sink.changeType(track.mime);
                  sink.append(initSegment(track));
                }
                sink.append(fragment(++track.sequence, run));
              }
              if (sink.bytes > maxQueue) this.onTrouble('restart');
            }
          }

          trim() {
            const { buffered, currentTime } = this.video;
            if (this.source.readyState !== 'open' || !buffered.length) return;
            const before = Math.max(currentTime - keepBehind, buffered.end(buffered.length - 1) - keepAtMost);
            for (const sink of Object.values(this.sinks)) sink.trim(before);
          }
        }
        """#
}
