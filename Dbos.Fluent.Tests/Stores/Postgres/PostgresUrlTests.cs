using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>The URL of a database, as environments give it.</summary>
public sealed class PostgresUrlTests
{
    [Fact]
    public void Its_parts_are_those_of_the_connection()
    {
        var read = Read("postgresql://ada:p%40ss%3Aword@db.example:6543/my%20orders?application_name=orders&connect_timeout=7");

        Assert.Equal(("db.example", 6543, "my orders"), (read.Host, read.Port, read.Database));
        Assert.Equal(("ada", "p@ss:word", "orders", 7), (read.Username, read.Password, read.ApplicationName, read.Timeout));
    }

    [Theory]
    [InlineData("require", SslMode.Require)]
    [InlineData("verify-ca", SslMode.VerifyCA)]
    [InlineData("verify-full", SslMode.VerifyFull)]
    [InlineData("disable", SslMode.Disable)]
    public void The_modes_of_encryption_have_libpqs_names(string name, SslMode mode) =>
        Assert.Equal(mode, Read($"postgres://db/orders?sslmode={name}&sslrootcert=%2Fca.pem").SslMode);

    [Fact]
    public void An_address_is_taken_without_its_brackets() => Assert.Equal("::1", Read("postgresql://[::1]/orders").Host);

    [Fact]
    public void Sessions_and_binding_are_set()
    {
        var read = Read("postgresql://db/orders?target_session_attrs=read-write&channel_binding=require");

        Assert.Equal(("read-write", ChannelBinding.Require), (read.TargetSessionAttributes, read.ChannelBinding));
    }

    [Theory]
    [InlineData("pool_mode", "transaction")]
    [InlineData("sslmode", "perhaps")]
    [InlineData("connect_timeout", "soon")]
    public void What_the_driver_does_not_know_is_named(string parameter, string value)
    {
        var refused = Assert.Throws<ArgumentException>(() => Read($"postgresql://db/orders?{parameter}={value}"));

        Assert.Contains($"'{parameter}'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_url_is_not_shown()
    {
        var refused = Assert.Throws<ArgumentException>(() => Read("postgresql://ada:secret@:port/orders"));

        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    private static NpgsqlConnectionStringBuilder Read(string text) => new(PostgresUrl.ToConnectionString(text));
}
