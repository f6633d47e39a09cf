#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H

#include <curl/curl.h>

/* What a transfer writes goes here; less than it was given ends the transfer. */
typedef size_t (*ccurl_write)(char *octets, size_t size, size_t count, void *context);

static inline int ccurl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

/* A GET that is ready to go, variadic calls being closed to Swift. NULL when there is no memory. `ca_file`, which may be NULL, is
   believed beside the system's folder of certificates; `error` has CURL_ERROR_SIZE octets. */
static inline CURL *ccurl_get(const char *url, long milliseconds, const char *ca_file, struct curl_slist *headers,
                              ccurl_write write, void *context, char *error)
{
    CURL *easy = curl_easy_init();
    int failed = 0;

    if (!easy) return NULL;
    failed |= curl_easy_setopt(easy, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "gudok");
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    if (ca_file) failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    if (!failed) return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

/* Makes it a POST of a copy of these octets. 0 when there is no memory, or no transfer. */
static inline int ccurl_post(CURL *easy, const void *octets, size_t count)
{
    if (!easy) return 0;
    return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count) == CURLE_OK
        && curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, count ? octets : "") == CURLE_OK;
}

static inline long ccurl_status(CURL *easy)
{
    long status = 0;

    return curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

#endif
