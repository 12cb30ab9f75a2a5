using Npgsql;

namespace Dbos.Fluent;

/// <summary>Reads a <c>postgresql://user:password@host:port/database?sslmode=require</c> URL, as the other SDKs accept it.</summary>
/// <remarks>
/// Its parameters have the names of libpq (PostgreSQL manual, "Parameter Key Words"); those of the driver are accepted as well.
/// </remarks>
internal static class PostgresUrl
{
    private const int DefaultPort = 5432;

    /// <exception cref="ArgumentException">
    /// It is not a URL, or has a parameter that the driver does not know or whose value it cannot parse.
    /// </exception>
    public static string ToConnectionString(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri))
        {
            // Not shown, as it may hold a password.
            throw new ArgumentException("The database's URL cannot be read. Escape what is special in a user, a password or a database.");
        }

        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.DnsSafeHost,
            Port = uri.Port > 0 ? uri.Port : DefaultPort,
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
            Set(builder, parts[0], Uri.UnescapeDataString(parts.Length > 1 ? parts[1] : ""));
        }

        return builder.ConnectionString;
    }

    private static void Set(NpgsqlConnectionStringBuilder builder, string parameter, string value)
    {
        var (name, given) = parameter switch
        {
            // The driver spells verify-full as one word.
            "sslmode" => ("SSL Mode", value.Replace("-", "", StringComparison.Ordinal)),
            "target_session_attrs" => ("Target Session Attributes", value),
            "channel_binding" => ("Channel Binding", value),
            "sslrootcert" => ("Root Certificate", value),
            "sslcert" => ("SSL Certificate", value),
            "sslkey" => ("SSL Key", value),
            "sslpassword" => ("SSL Password", value),
            "connect_timeout" => ("Timeout", value),
            "application_name" => ("Application Name", value),
            "client_encoding" => ("Client Encoding", value),
            _ => (parameter, value),
        };
        try
        {
            builder[name] = given;
        }
        catch (Exception refused) when (refused is ArgumentException or FormatException or InvalidCastException)
        {
            throw new ArgumentException(
                $"The database's URL has the parameter '{parameter}', which the driver does not know or whose value it cannot read. "
                + "Correct it, or give a connection string to UsePostgres.",
                refused);
        }
    }
}
