#pragma once
#include <linux/tls.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <string.h>
#include "wide_gcm.h"

/* What OpenSSL offers as macros only, which Swift does not see. */

static inline int cssl_set_versions(SSL_CTX *context, int least) {
    return SSL_CTX_set_min_proto_version(context, least);
}

static inline int cssl_set_newest(SSL_CTX *context, int newest) {
    return SSL_CTX_set_max_proto_version(context, newest);
}

static inline void cssl_set_modes(SSL_CTX *context) {
    /* A write that had to wait is repeated with what is there then; idle sessions keep no buffers. */
    SSL_CTX_set_mode(
        context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
                     | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_ENABLE_KTLS);
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

/* The words in which OpenSSL offers a BIO the sealing of records, as it does to the kernel; bio.h has them as a remark. */
enum {
    CSSL_TAKE_KEYS = 72,
    CSSL_IS_SEALING = 73,
    CSSL_NEXT_RECORD_TYPE = 74,
};

enum cssl_cipher { CSSL_AES_128_GCM = 1, CSSL_AES_256_GCM, CSSL_CHACHA20_POLY1305 };

/* What the offer says. `key` lies within the offer. */
struct cssl_keys {
    enum cssl_cipher cipher;
    const uint8_t *key;
    /* Mixed with the number of a record into its nonce; of TLS 1.2 with AES the first four bytes only. */
    uint8_t iv[12];
    uint64_t sequence;
    int version;
};

static inline uint64_t cssl_number(const uint8_t *bytes) {
    uint64_t number = 0;
    for (int index = 0; index < 8; index++) number = number << 8 | bytes[index];
    return number;
}

/* Whether the offer is one of the ciphers that `TLSContext` allows. */
static inline int cssl_read_keys(const void *offer, struct cssl_keys *keys) {
    const struct tls_crypto_info *info = (const struct tls_crypto_info *)offer;
    memset(keys, 0, sizeof *keys);
    keys->version = info->version;
    switch (info->cipher_type) {
    case TLS_CIPHER_AES_GCM_128: {
        const struct tls12_crypto_info_aes_gcm_128 *aes = (const struct tls12_crypto_info_aes_gcm_128 *)offer;
        keys->cipher = CSSL_AES_128_GCM;
        keys->key = aes->key;
        memcpy(keys->iv, aes->salt, sizeof aes->salt);
        memcpy(keys->iv + sizeof aes->salt, aes->iv, sizeof aes->iv);
        keys->sequence = cssl_number(aes->rec_seq);
        return 1;
    }
    case TLS_CIPHER_AES_GCM_256: {
        const struct tls12_crypto_info_aes_gcm_256 *aes = (const struct tls12_crypto_info_aes_gcm_256 *)offer;
        keys->cipher = CSSL_AES_256_GCM;
        keys->key = aes->key;
        memcpy(keys->iv, aes->salt, sizeof aes->salt);
        memcpy(keys->iv + sizeof aes->salt, aes->iv, sizeof aes->iv);
        keys->sequence = cssl_number(aes->rec_seq);
        return 1;
    }
    case TLS_CIPHER_CHACHA20_POLY1305: {
        const struct tls12_crypto_info_chacha20_poly1305 *chacha =
            (const struct tls12_crypto_info_chacha20_poly1305 *)offer;
        keys->cipher = CSSL_CHACHA20_POLY1305;
        keys->key = chacha->key;
        memcpy(keys->iv, chacha->iv, sizeof keys->iv);
        keys->sequence = cssl_number(chacha->rec_seq);
        return 1;
    }
    default: return 0;
    }
}
