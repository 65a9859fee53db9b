#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* What OpenSSL offers as macros only, which Swift does not see. */

static inline int cssl_set_versions(SSL_CTX *context, int least) {
    return SSL_CTX_set_min_proto_version(context, least);
}

static inline void cssl_set_modes(SSL_CTX *context) {
    /* A write that had to wait is repeated with what is there then; idle sessions keep no buffers. */
    SSL_CTX_set_mode(
        context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
                     | SSL_OP_PRIORITIZE_CHACHA);
}

static inline int cssl_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add0_chain_cert(context, certificate);
}

static inline int cssl_ticket_keys(SSL_CTX *context, void *keys, int count) {
    return (int)SSL_CTX_get_tlsext_ticket_keys(context, keys, count);
}

static inline int cssl_set_ticket_keys(SSL_CTX *context, void *keys, int count) {
    return (int)SSL_CTX_set_tlsext_ticket_keys(context, keys, count);
}

static inline int cssl_set_groups(SSL_CTX *context, const char *names) {
    return (int)SSL_CTX_set1_groups_list(context, names);
}

static inline void cssl_on_server_name(SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline int cssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline void cssl_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void cssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline int cssl_general_name_count(GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

/* The DNS name at that place, or NULL where it is something else. */
static inline const char *cssl_dns_name(GENERAL_NAMES *names, int index, int *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type != GEN_DNS) return NULL;
    *length = ASN1_STRING_length(name->d.dNSName);
    return (const char *)ASN1_STRING_get0_data(name->d.dNSName);
}

static inline void cssl_free_names(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
