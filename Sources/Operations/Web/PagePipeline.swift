extension WebPage {
    /// From fragmented MP4 to a source buffer; a new connection makes a new pipeline.
    static let pipelineScript = #"""
        const MSE = window.ManagedMediaSource || window.MediaSource;
        const keepBehind = 10, keepAtMost = 40, maxQueue = 64 * 2 ** 20;

        class Sink {
          constructor(buffer, onError) {
            Object.assign(this, { buffer, queue: [], bytes: 0 });
            buffer.addEventListener('updateend', () => this.pump());
            buffer.addEventListener('error', onError);
          }

          append(bytes) { this.queue.push({ bytes }); this.bytes += bytes.length; this.pump(); }
          changeType(mime) { this.queue.push({ mime }); this.pump(); }
          // What follows begins at `time`, and is to be shown behind everything that is here.
          follow(time) { this.queue.push({ time }); this.pump(); }

          trim(before) {
            const { buffered } = this.buffer;
            if (this.buffer.updating || !buffered.length || buffered.start(0) > before - 5) return;
            this.buffer.remove(0, before);
          }

          pump() {
            const { buffer, queue } = this;
            while (queue.length && !buffer.updating) {
              if (queue[0].mime) { buffer.changeType(queue.shift().mime); continue; }
              if (queue[0].time !== undefined) {
                const { buffered } = buffer, { time } = queue.shift();
                if (buffered.length) buffer.timestampOffset = buffered.end(buffered.length - 1) - time;
                continue;
              }
              const end = queue.findIndex((item) => !item.bytes);
              const items = queue.slice(0, end < 0 ? undefined : end);
              try {
                buffer.appendBuffer(concat(items.map((item) => item.bytes)));
              } catch (error) {
                if (error.name !== 'QuotaExceededError' || this.bytes > maxQueue) throw error;
                const { buffered } = buffer;
                if (buffered.length) buffer.remove(0, Math.max(1, buffered.end(buffered.length - 1) - 5));
                return;
              }
              queue.splice(0, items.length);
              this.bytes = queue.reduce((sum, item) => sum + (item.bytes?.length || 0), 0);
            }
          }
        }

        class Pipeline {
          // `onTrouble(kind, tracks)`: 'unsupported' with those that the browser cannot play, 'restart' to begin anew.
          constructor(video, onTrouble) {
            Object.assign(this, { video, onTrouble, tracks: [], sink: null, clock: null, pending: [] });
            this.reader = new BoxReader((type, box) => this.box(type, box));
          }

          // `about.follows`: another session begins; `about.date`: seconds of Unix time at its first fragment.
          push(bytes, about) {
            if (about) this.about = about;
            this.reader.push(bytes);
            this.flush();
          }

          has(kind) { return this.tracks.some((track) => track.kind === kind); }

          box(type, box) {
            if (type === 'ftyp') this.ftyp = box.slice();
            else if (type === 'moov') this.begin(box.slice());
            else if (this.tracks.length) {
              if (type === 'prft') this.clock = producerTime(box, this.tracks) || this.clock;
              if (type === 'moof' && this.about) this.place(beginning(box, this.tracks));
              this.pending.push({ bytes: box.slice() });
            }
          }

          place(time) {
            const { follows, date } = this.about;
            this.about = null;
            if (follows) this.pending.push({ time });
            if (date) this.clock = { wall: date, media: time };
          }

          begin(moov) {
            const tracks = tracksOf(moov);
            const plays = (list) => MSE.isTypeSupported(this.mime(list));
            const refused = tracks.filter((track) => !plays([track]));
            if (refused.length || !plays(tracks)) {
              this.onTrouble('unsupported', refused.length ? refused : tracks, tracks);
              return;
            }
            if (this.source && this.kinds(tracks) !== this.kinds(this.tracks)) { this.onTrouble('restart'); return; }
            const mime = this.mime(tracks), changes = this.source && mime !== this.mime(this.tracks);
            this.tracks = tracks;
            if (changes) this.pending.push({ mime });
            this.pending.push({ bytes: concat([this.ftyp, moov]) });
            if (!this.source) this.open(mime);
          }

          mime(tracks) {
            const kind = tracks.some((track) => track.kind === 'video') ? 'video' : 'audio';
            return `${kind}/mp4; codecs="${tracks.map(({ codec }) => codec).join(', ')}"`;
          }

          kinds(tracks) { return tracks.map(({ number, kind }) => number + kind).join(); }

          open(mime) {
            this.source = new MSE();
            this.url = URL.createObjectURL(this.source);
            this.source.addEventListener('sourceopen', () => {
              URL.revokeObjectURL(this.url);
              this.sink = new Sink(this.source.addSourceBuffer(mime), () => this.onTrouble('restart'));
              this.flush();
            }, { once: true });
            this.video.disableRemotePlayback = true;
            this.video.src = this.url;
          }

          flush() {
            if (this.source?.readyState !== 'open' || !this.sink) return;
            for (const item of this.pending.splice(0)) {
              if (item.mime) this.sink.changeType(item.mime);
              else if (item.time !== undefined) this.sink.follow(item.time);
              else this.sink.append(item.bytes);
            }
            if (this.sink.bytes > maxQueue) this.onTrouble('restart');
          }

          trim() {
            const { buffered, currentTime } = this.video;
            if (this.source.readyState !== 'open' || !buffered.length) return;
            this.sink?.trim(Math.max(currentTime - keepBehind, buffered.end(buffered.length - 1) - keepAtMost));
          }

          // Seconds between a picture at its origin and now, as far as this clock and that one agree.
          get latency() {
            if (!this.clock || !this.sink) return null;
            const shown = this.video.currentTime - this.sink.buffer.timestampOffset;
            return Date.now() / 1000 - this.clock.wall - (shown - this.clock.media);
          }
        }
        """#
}
