import Glibc

/// Throw-away certificates, made once by the openssl command: an authority, two servers and a client.
public enum Certificates {
    public static let folder: String = {
        var template = Array("/tmp/sluice-tls-XXXXXX".utf8CString)
        let path = String(cString: mkdtemp(&template)!)
        let script = """
            cd \(path) && exec 2> log
            authority() {
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.pem \
                    -days 2 -subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE
            }
            sign() {
                openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $2.key -out $2.csr -subj "/CN=$2"
                printf 'subjectAltName=%s\\n' "$3" > $2.ext
                openssl x509 -req -in $2.csr -CA $1.pem -CAkey $1.key -CAcreateserial -days 2 -extfile $2.ext -out $2.pem
            }
            authority ca; authority other
            sign ca one DNS:one.example,DNS:*.wild.example; sign ca two DNS:two.example; sign ca node DNS:fra-1
            sign other stranger DNS:fra-1
            cat one.pem ca.pem > chain.pem
            : > empty.pem
            """
        precondition(system(script) == 0, "openssl makes no certificates: see \(path)/log")
        // Its own folder alone: another run's tests may be under way.
        atexit { _ = system("rm -rf \(Certificates.folder)") }
        return path
    }()

    public static func file(_ name: String) -> String { "\(folder)/\(name)" }
}
