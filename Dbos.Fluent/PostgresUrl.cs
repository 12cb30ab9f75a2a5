using Npgsql;

namespace Dbos.Fluent;

/// <summary>Reads a <c>postgresql://user:password@host:port/database?sslmode=require</c> URL, as the other SDKs take it.</summary>
internal static class PostgresUrl
{
    public static string ToConnectionString(string url)
    {
        var uri = new Uri(url);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host,
            Port = uri.Port > 0 ? uri.Port : 5432,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
        };
        var user = uri.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
        {
            builder.Username = Uri.UnescapeDataString(user[0]);
        }

        if (user.Length > 1)
        {
            builder.Password = Uri.UnescapeDataString(user[1]);
        }

        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var name = parts[0] switch { "sslmode" => "SSL Mode", "connect_timeout" => "Timeout", var other => other };
            builder[name] = Uri.UnescapeDataString(parts.Length > 1 ? parts[1] : "");
        }

        return builder.ConnectionString;
    }
}
