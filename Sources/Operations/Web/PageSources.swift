extension WebPage {
    /// The ways of a stream into the page: each hands bytes of fragmented MP4 to `receive` until the stream has ended.
    static let sourcesScript = #"""
        // What to tell of an answer that is none. `fatal`: asking again does not help.
        async function refusal(response) {
          const forbidden = [401, 403].includes(response.status), fatal = response.status === 406;
          const words = forbidden ? 'The server does not let you watch this stream.' :
            fatal ? 'The codecs of this stream have no place in MP4: watch its .flv address in a player.' : '';
          return Object.assign(new Error(), { words, fatal });
        }

        async function readFetch(url, signal, receive) {
          const response = await fetch(url, { signal, cache: 'no-store' });
          if (!response.ok) throw await refusal(response);
          const reader = response.body.getReader();
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            receive(value);
          }
        }

        // A socket that does not open tells no reason: it is asked for without one.
        async function readSocket(url, signal, receive) {
          let opened = false;
          await new Promise((resolve, reject) => {
            const address = new URL(url, location.href);
            address.protocol = address.protocol.replace('http', 'ws');
            const socket = new WebSocket(address);
            socket.binaryType = 'arraybuffer';
            socket.onopen = () => { opened = true; };
            socket.onmessage = (event) => {
              if (typeof event.data === 'string') return;
              try { receive(new Uint8Array(event.data)); } catch (error) { socket.close(); reject(error); }
            };
            socket.onclose = resolve;
            signal.addEventListener('abort', () => { socket.close(); resolve(); });
          });
          if (opened || signal.aborted) return;
          const response = await fetch(url, { method: 'HEAD', signal, cache: 'no-store' });
          if (!response.ok) throw await refusal(response);
        }

        const listOf = (text) => Object.fromEntries(
          [...text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^",]+)/g)].map(([, name, value]) => [name, value.replaceAll('"', '')]));

        // A media playlist as what can be fetched, in its order: parts where they are listed, else whole segments.
        function readPlaylist(text, url) {
          const list = { target: 1, control: {}, items: [], hint: null, ended: false };
          let number = 0, map = null, date = null, follows = false, parts = 0;
          const add = (uri, more) => {
            list.items.push({ url: new URL(uri, url).href, number, map, date, follows, ...more });
            date = null;
            follows = false;
          };
          for (const line of text.split('\n')) {
            const [tag, ...rest] = line.split(':'), value = rest.join(':');
            if (tag === '#EXT-X-TARGETDURATION') list.target = Number(value);
            else if (tag === '#EXT-X-SERVER-CONTROL') list.control = listOf(value);
            else if (tag === '#EXT-X-MEDIA-SEQUENCE') number = Number(value);
            else if (tag === '#EXT-X-MAP') map = new URL(listOf(value).URI, url).href;
            else if (tag === '#EXT-X-PROGRAM-DATE-TIME') date = Date.parse(value) / 1000;
            else if (tag === '#EXT-X-DISCONTINUITY') follows = true;
            else if (tag === '#EXT-X-ENDLIST') list.ended = true;
            else if (tag === '#EXT-X-PART') {
              const part = listOf(value);
              add(part.URI, { part: parts++, starts: part.INDEPENDENT === 'YES', duration: Number(part.DURATION) });
            } else if (tag === '#EXTINF') list.duration = parseFloat(value);
            else if (tag === '#EXT-X-PRELOAD-HINT' && listOf(value).TYPE === 'PART') {
              list.hint = new URL(listOf(value).URI, url).href;
            } else if (line && !line.startsWith('#')) {
              if (!parts) add(line, { part: null, starts: true, duration: list.duration });
              number++;
              parts = 0;
            }
          }
          list.next = { number, part: parts };
          return list;
        }

        // The newest item that can be begun with and is as far from the end as the server asks.
        function firstItem({ items, control, target }) {
          const back = Number(control['PART-HOLD-BACK'] || control['HOLD-BACK'] || 3 * target);
          let distance = 0, first = items.findLastIndex((item) => item.starts);
          for (let i = items.length - 1; i >= 0; i--) {
            distance += items[i].duration;
            if (items[i].starts && distance >= back) { first = i; break; }
          }
          return Math.max(0, first);
        }

        const isBehind = (item, place) =>
          item.number > place.number || item.number === place.number && (item.part ?? Infinity) > place.part;

        // Low-Latency HLS (RFC 8216bis): the playlist is asked for with what comes next, and the server answers when it
        // is there; the part that it hints at is on its way meanwhile.
        async function readHLS(url, signal, receive) {
          const load = async (address) => {
            const response = await fetch(address, { signal });
            if (!response.ok) throw Object.assign(await refusal(response), { status: response.status });
            return response;
          };
          const index = await (await load(url)).text();
          const media = new URL(index.split('\n').find((line) => line && !line.startsWith('#')), new URL(url, location));
          const ahead = new Map();
          let list = null, place = null, map = null;
          for (;;) {
            const address = new URL(media);
            if (list && list.control['CAN-BLOCK-RELOAD'] === 'YES') {
              address.searchParams.set('_HLS_msn', list.next.number);
              if (list.hint) address.searchParams.set('_HLS_part', list.next.part);
            } else if (list) await new Promise((resolve) => setTimeout(resolve, list.target * 500));
            try { list = readPlaylist(await (await load(address)).text(), address); } catch (error) {
              // The server's patience is over before the encoder's pause.
              if (error.status !== 503 || !list) throw error;
              await new Promise((resolve) => setTimeout(resolve, 500));
              continue;
            }
            const items = place ? list.items.filter((item) => isBehind(item, place)) : list.items.slice(firstItem(list));
            if (place && items.length && items[0].number > place.number + 1) return;
            for (const item of items) {
              if (!item.map) throw Object.assign(new Error(), { words: 'HLS of transport streams: not for this page.' });
              if (item.map !== map) receive(new Uint8Array(await (await load(item.map)).arrayBuffer()));
              map = item.map;
              const bytes = await (ahead.get(item.url) || load(item.url).then((response) => response.arrayBuffer()));
              const about = item.date || item.follows ? { date: item.date, follows: item.follows } : null;
              if (bytes) receive(new Uint8Array(bytes), about);
              place = { number: item.number, part: item.part ?? Infinity };
            }
            if (list.ended) return;
            ahead.clear();
            if (list.hint) {
              const { hint } = list;
              // One that never comes to be is not missed.
              ahead.set(hint, load(hint).then((response) => response.arrayBuffer()).catch(() => null));
            }
          }
        }
        """#
}
