using System.Reflection;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>The names under which the compiler files documentation, such as <c>M:Dbos.Fluent.Step.Run(System.String)</c>.</summary>
internal static class DocumentationId
{
    public static string Of(MemberInfo member) => member switch
    {
        Type type => "T:" + Declared(type),
        FieldInfo field => $"F:{Declared(field.DeclaringType!)}.{field.Name}",
        PropertyInfo property => $"P:{Declared(property.DeclaringType!)}.{property.Name}{Parameters(property.GetIndexParameters())}",
        MethodBase method => $"M:{Declared(method.DeclaringType!)}.{Name(method)}{Parameters(method.GetParameters())}{Conversion(method)}",
        _ => member.Name,
    };

    private static string Name(MethodBase method) =>
        method.Name.Replace('.', '#') + (method.IsGenericMethod ? "``" + method.GetGenericArguments().Length : "");

    private static string Conversion(MethodBase method) =>
        method is MethodInfo { Name: "op_Implicit" or "op_Explicit" } conversion ? "~" + Used(conversion.ReturnType) : "";

    private static string Parameters(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? "" : $"({string.Join(',', parameters.Select(parameter => Used(parameter.ParameterType)))})";

    private static string Declared(Type type) => (type.FullName ?? type.Name).Replace('+', '.');

    private static string Used(Type type)
    {
        if (type.IsByRef)
        {
            return Used(type.GetElementType()!) + "@";
        }

        if (type.IsArray)
        {
            return Used(type.GetElementType()!) + "[]";
        }

        if (type.IsGenericParameter)
        {
            return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
        }

        if (!type.IsGenericType)
        {
            return Declared(type);
        }

        var arguments = string.Join(',', type.GetGenericArguments().Select(Used));
        return $"{Declared(type.GetGenericTypeDefinition()).Split('`')[0]}{{{arguments}}}";
    }
}
