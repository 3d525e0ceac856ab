/* capture INTERFACE PORT: prints each UDP datagram over IPv4 on the interface that is from or to the port, one a line:
 * ms since 1970, in or out, where from, where to, and its bytes in hex. The first line, `ready`, says that none is missed
 * from now on. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void print_address(in_addr_t address, int port)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr in = {address};
    printf(" %s:%d", inet_ntop(AF_INET, &in, text, sizeof text), port);
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)), room = 4 << 20, port = atoi(argv[2]);
    struct sockaddr_ll on = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)}; /* else nothing that goes out */
    on.sll_ifindex = (int)if_nametoindex(argv[1]);
    if (fd < 0 || on.sll_ifindex == 0) die(argv[1]);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (bind(fd, (struct sockaddr *)&on, sizeof on)) die("bind");
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (;;) {
        unsigned char bytes[2048];
        struct sockaddr_ll from;
        socklen_t length = sizeof from;
        ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
        if (got < 0) die("recvfrom");
        if (from.sll_protocol != htons(ETH_P_IP)) continue;
        const struct ip *ip = (const void *)bytes;
        size_t header = ip->ip_hl * 4U, data = header + sizeof(struct udphdr);
        if ((size_t)got < data || ip->ip_p != IPPROTO_UDP) continue;
        const struct udphdr *udp = (const void *)(bytes + header);
        if (ntohs(udp->source) != port && ntohs(udp->dest) != port) continue;
        size_t end = header + ntohs(udp->len);
        struct timeval now;
        gettimeofday(&now, NULL);
        printf("%lld %s", (long long)now.tv_sec * 1000 + now.tv_usec / 1000,
               from.sll_pkttype == PACKET_OUTGOING ? "out" : "in");
        print_address(ip->ip_src.s_addr, ntohs(udp->source));
        print_address(ip->ip_dst.s_addr, ntohs(udp->dest));
        putchar(' ');
        for (size_t i = data; i < end && i < (size_t)got; i++) printf("%02x", bytes[i]);
        putchar('\n');
    }
}
