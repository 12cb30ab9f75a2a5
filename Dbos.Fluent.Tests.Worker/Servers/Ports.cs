using System.Net;
using System.Net.Sockets;

namespace Dbos.Fluent.Tests.Worker.Servers;

/// <summary>Finds ports on the loopback interface.</summary>
internal static class Ports
{
    /// <summary>A port that was free a moment ago.</summary>
    public static int FindFree()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
