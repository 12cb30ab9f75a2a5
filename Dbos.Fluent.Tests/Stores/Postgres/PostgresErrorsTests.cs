using Dbos.Fluent.Errors;
using Dbos.Fluent.Storage.Postgres;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>What is refused for good fails a workflow; what passes is waited out. Codes: PostgreSQL manual, appendix A.</summary>
public sealed class PostgresErrorsTests
{
    [Theory]
    [InlineData("22021")]
    [InlineData("22P05")]
    [InlineData("23514")]
    [InlineData("54000")]
    [InlineData("25P02")]
    [InlineData("P0001")]
    [InlineData("42601")]
    public void What_was_sent_is_refused_for_good(string state) => Assert.Null(Translate(state));

    [Theory]
    [InlineData("08006")]
    [InlineData("25P03")]
    [InlineData("25P04")]
    [InlineData("25006")]
    [InlineData("40001")]
    [InlineData("40P01")]
    [InlineData("53300")]
    [InlineData("55P03")]
    [InlineData("57P01")]
    [InlineData("58030")]
    [InlineData("XX000")]
    [InlineData("26000")]
    public void What_has_nothing_to_do_with_it_passes(string state) => Assert.IsType<StoreUnavailableException>(Translate(state));

    [Theory]
    [InlineData("FATAL")]
    [InlineData("PANIC")]
    public void What_ends_a_connection_passes(string severity) =>
        Assert.IsType<StoreUnavailableException>(Translate("08P01", severity));

    [Theory]
    [InlineData("42P01")]
    [InlineData("42501")]
    [InlineData("3D000")]
    public void Tables_rights_and_databases_that_are_not_there_are_named(string state) =>
        Assert.IsType<StoreSchemaException>(Translate(state, "FATAL"));

    private static DbosException? Translate(string state, string severity = "ERROR") =>
        PostgresErrors.Translate(new PostgresException("the server's words", severity, severity, state));
}
